package operators

import (
	"context"
	"log"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	schedulingv1alpha2 "k8s.io/api/scheduling/v1alpha2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// ownerOf makes the reference that ties an object to its job.
func ownerOf(job *unstructured.Unstructured) []metav1.OwnerReference {
	return []metav1.OwnerReference{*metav1.NewControllerRef(job, job.GroupVersionKind())}
}

// group makes sure that the native gang of a job exists, and returns its name. The scheduler binds no
// pod of it before minimum pods fit at the same time, which is what Volcano does with its own PodGroup.
func (o *Operators) group(ctx context.Context, job *unstructured.Unstructured, minimum int32) (string, error) {
	name := job.GetName() + "-" + string(job.GetUID())
	group := &schedulingv1alpha2.PodGroup{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: job.GetNamespace(), OwnerReferences: ownerOf(job)},
		Spec: schedulingv1alpha2.PodGroupSpec{SchedulingPolicy: schedulingv1alpha2.PodGroupSchedulingPolicy{
			Gang: &schedulingv1alpha2.GangSchedulingPolicy{MinCount: max(minimum, 1)},
		}},
	}
	_, err := o.kube.SchedulingV1alpha2().PodGroups(job.GetNamespace()).Create(ctx, group, metav1.CreateOptions{})
	return name, ignore(err, apierrors.IsAlreadyExists)
}

// create makes a pod in the gang of its job.
func (o *Operators) create(ctx context.Context, pod *corev1.Pod, group string) error {
	if pod.Spec.SchedulerName == "" {
		pod.Spec.SchedulerName = "volcano"
	}
	pod.Spec.SchedulingGroup = &corev1.PodSchedulingGroup{PodGroupName: &group}
	_, err := o.kube.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{})
	if err == nil {
		log.Printf("%s/%s: created", pod.Namespace, pod.Name)
	}
	return ignore(err, apierrors.IsAlreadyExists)
}

// remove deletes the pods that the condition names, if they are not already going.
func (o *Operators) remove(ctx context.Context, pods []*corev1.Pod, condition func(*corev1.Pod) bool) error {
	for _, pod := range pods {
		if pod.DeletionTimestamp != nil || !condition(pod) {
			continue
		}
		options := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &pod.UID}}
		err := o.kube.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, options)
		if err = ignore(err, apierrors.IsNotFound); err != nil {
			return err
		}
		log.Printf("%s/%s: deleted", pod.Namespace, pod.Name)
	}
	return nil
}

func anyPod(*corev1.Pod) bool { return true }

func ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

func unfinished(pod *corev1.Pod) bool { return !ended(pod) }

// exitCode is the code of the first container that ended, as Volcano and the Ascend Operator see it.
func exitCode(pod *corev1.Pod) int32 {
	for _, status := range pod.Status.ContainerStatuses {
		if status.State.Terminated != nil {
			return status.State.Terminated.ExitCode
		}
	}
	return 0
}

// setStatus writes a job's status.
func (o *Operators) setStatus(ctx context.Context, job *unstructured.Unstructured, status map[string]any) error {
	resource := volcanoJobs
	if job.GetKind() == "AscendJob" {
		resource = ascendJobs
	}
	job.Object["status"] = status
	_, err := o.dynamic.Resource(resource).Namespace(job.GetNamespace()).UpdateStatus(ctx, job, metav1.UpdateOptions{})
	return err
}

func ignore(err error, expected func(error) bool) error {
	if err != nil && expected(err) {
		return nil
	}
	return err
}

func count(pods []*corev1.Pod, phase corev1.PodPhase) int32 {
	total := int32(0)
	for _, pod := range pods {
		if pod.DeletionTimestamp == nil && pod.Status.Phase == phase {
			total++
		}
	}
	return total
}

func addEnvironment(containers []corev1.Container, name, value string) {
	for i := range containers {
		containers[i].Env = append(containers[i].Env, corev1.EnvVar{Name: name, Value: value})
	}
}

// firstTime says whether the end of this pod was not yet acted upon, and remembers that it is now.
func (o *Operators) firstTime(uid types.UID) bool {
	if o.seen[uid] {
		return false
	}
	o.seen[uid] = true
	return true
}

func number(value int) string { return strconv.Itoa(value) }
