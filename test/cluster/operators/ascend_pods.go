package operators

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	portName    = "ascendjob-port"
	defaultPort = int32(2222)
)

// makeAscendPods makes the missing pods, and before them the service of the leader.
func (o *Operators) makeAscendPods(ctx context.Context, object *unstructured.Unstructured, job *AscendJob, pods []*corev1.Pod) error {
	address, err := o.leaderAddress(ctx, object, job)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, pod := range pods {
		there[pod.Name] = true
	}
	minimum := int32(job.total())
	if policy := job.Spec.RunPolicy.SchedulingPolicy; policy != nil && policy.MinAvailable != nil {
		minimum = *policy.MinAvailable
	}
	group, err := o.group(ctx, object, minimum)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(job.Spec.ReplicaSpecs)) {
		for index := range job.Spec.ReplicaSpecs[name].count() {
			pod := ascendPod(object, job, name, index, address, o.retries[job.UID].version)
			if there[pod.Name] {
				continue
			}
			if err := o.create(ctx, pod, group); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *AscendJob) leader() string {
	leader := leaders[j.Labels["framework"]]
	if _, there := j.Spec.ReplicaSpecs[leader]; there {
		return leader
	}
	return ""
}

// leaderAddress makes the leader's service, named like its pod, and returns its cluster IP.
func (o *Operators) leaderAddress(ctx context.Context, object *unstructured.Unstructured, job *AscendJob) (string, error) {
	leader := job.leader()
	if leader == "" {
		return "", nil
	}
	name := podName(job.Name, leader, 0)
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: job.Namespace, Labels: replicaLabels(job.Name, leader, 0), OwnerReferences: ownerOf(object)},
		Spec: corev1.ServiceSpec{
			Selector: replicaLabels(job.Name, leader, 0),
			Ports:    []corev1.ServicePort{{Name: portName, Port: port(job.Spec.ReplicaSpecs[leader])}},
		},
	}
	made, err := o.kube.CoreV1().Services(job.Namespace).Create(ctx, service, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		made, err = o.kube.CoreV1().Services(job.Namespace).Get(ctx, name, metav1.GetOptions{})
	}
	if err != nil {
		return "", err
	}
	return made.Spec.ClusterIP, nil
}

func port(replica AscendReplica) int32 {
	for _, container := range replica.Template.Spec.Containers {
		for _, port := range container.Ports {
			if container.Name == "ascend" && port.Name == portName {
				return port.ContainerPort
			}
		}
	}
	return defaultPort
}

func podName(job, replicaType string, index int) string {
	return fmt.Sprintf("%s-%s-%d", job, strings.ToLower(replicaType), index)
}

// replicaLabels are those of kubeflow/common 0.4.3, old and new names.
func replicaLabels(job, replicaType string, index int) map[string]string {
	labels := map[string]string{"group-name": "mindxdl.gitee.com", "training.kubeflow.org/operator-name": "ascendjob-controller"}
	for key, value := range map[string]string{
		"job-name": job, "replica-type": strings.ToLower(replicaType), "replica-index": number(index),
	} {
		labels[key], labels["training.kubeflow.org/"+key] = value, value
	}
	return labels
}

func ascendPod(object *unstructured.Unstructured, job *AscendJob, replicaType string, index int, address string, version int) *corev1.Pod {
	replica := job.Spec.ReplicaSpecs[replicaType]
	template := replica.Template.DeepCopy()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: podName(job.Name, replicaType, index), Namespace: job.Namespace, OwnerReferences: ownerOf(object),
			Labels: map[string]string{}, Annotations: map[string]string{},
		},
		Spec: template.Spec,
	}
	maps.Copy(pod.Labels, template.Labels)
	maps.Copy(pod.Labels, replicaLabels(job.Name, replicaType, index))
	if replicaType == job.leader() {
		pod.Labels["training.kubeflow.org/job-role"] = "master"
	}
	pod.Labels["version"] = number(version)
	rank := job.rank(replicaType, index)
	maps.Copy(pod.Annotations, template.Annotations)
	pod.Annotations["hccl/rankIndex"] = number(rank)
	pod.Annotations["scheduling.k8s.io/group-name"] = job.Name + "-" + string(job.UID)
	pod.Annotations["volcano.sh/task-spec"] = strings.ToLower(replicaType)
	pod.Spec.RestartPolicy = corev1.RestartPolicy(replica.RestartPolicy)
	if replica.RestartPolicy == "" || replica.RestartPolicy == "ExitCode" {
		pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	}
	if pod.Spec.SchedulerName == "" {
		pod.Spec.SchedulerName = job.Spec.SchedulerName
	}
	for i := range pod.Spec.Containers {
		if pod.Spec.Containers[i].Name == "ascend" {
			setAscendEnvironment(&pod.Spec.Containers[i], job, replicaType, rank, address)
		}
	}
	return pod
}

// rank counts the leader only where it has devices itself.
func (j *AscendJob) rank(replicaType string, index int) int {
	leader := j.leader()
	if replicaType == "Worker" && leader != "" && devicesOf(j.Spec.ReplicaSpecs[leader]) > 0 {
		return index + 1
	}
	return index
}

func (j *AscendJob) npuReplicas() int {
	total := j.Spec.ReplicaSpecs["Worker"].count()
	if leader := j.leader(); leader != "" && devicesOf(j.Spec.ReplicaSpecs[leader]) > 0 {
		total++
	}
	return total
}
