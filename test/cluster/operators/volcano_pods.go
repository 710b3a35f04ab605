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

// fill makes the pods that are missing, and before the first what the plugins need.
func (o *Operators) fill(ctx context.Context, object *unstructured.Unstructured, job *VolcanoJob, pods []*corev1.Pod) error {
	there := map[string]bool{}
	for _, pod := range pods {
		there[pod.Name] = true
	}
	var missing []*corev1.Pod
	for _, task := range job.Spec.Tasks {
		for i := range int(task.Replicas) {
			if pod := volcanoPod(object, job, task, i); !there[pod.Name] {
				missing = append(missing, pod)
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if err := o.preparePlugins(ctx, object, job); err != nil {
		return err
	}
	group, err := o.group(ctx, object, job.minAvailable())
	if err != nil {
		return err
	}
	for _, pod := range missing {
		if err := o.create(ctx, pod, group); err != nil {
			return err
		}
	}
	return nil
}

// volcanoPod is volcano's createJobPod with the plugins env, svc and ssh applied.
func volcanoPod(object *unstructured.Unstructured, job *VolcanoJob, task VolcanoTask, index int) *corev1.Pod {
	template := task.Template.DeepCopy()
	name := fmt.Sprintf("%s-%s-%d", object.GetName(), task.Name, index)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: object.GetNamespace(), OwnerReferences: ownerOf(object),
			Labels: map[string]string{}, Annotations: map[string]string{},
		},
		Spec: template.Spec,
	}
	maps.Copy(pod.Labels, template.Labels)
	maps.Copy(pod.Annotations, template.Annotations)
	if pod.Spec.SchedulerName == "" {
		pod.Spec.SchedulerName = job.Spec.SchedulerName
	}
	if pod.Spec.PriorityClassName == "" {
		pod.Spec.PriorityClassName = job.Spec.PriorityClassName
	}
	for key, value := range map[string]string{
		"volcano.sh/task-index": number(index), "volcano.sh/task-spec": task.Name,
		"volcano.sh/job-name": object.GetName(), "volcano.sh/queue-name": job.Spec.Queue,
	} {
		pod.Labels[key], pod.Annotations[key] = value, value
	}
	pod.Labels["volcano.sh/job-namespace"] = object.GetNamespace()
	pod.Annotations["volcano.sh/job-version"] = number(int(job.Status.Version))
	pod.Annotations["volcano.sh/job-retry-count"] = number(int(job.Status.RetryCount))
	pod.Annotations["volcano.sh/template-uid"] = object.GetName() + "-" + task.Name
	pod.Annotations["scheduling.k8s.io/group-name"] = object.GetName() + "-" + string(object.GetUID())
	applyPlugins(pod, object, job, index)
	return pod
}

func applyPlugins(pod *corev1.Pod, object *unstructured.Unstructured, job *VolcanoJob, index int) {
	if _, on := job.Spec.Plugins["env"]; on {
		for _, containers := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
			addEnvironment(containers, "VK_TASK_INDEX", number(index))
			addEnvironment(containers, "VC_TASK_INDEX", number(index))
		}
	}
	if _, on := job.Spec.Plugins["svc"]; on {
		applyServicePlugin(pod, object, job)
	}
	if _, on := job.Spec.Plugins["ssh"]; on {
		mode := int32(0o600)
		mount(pod, object.GetName()+"-ssh", "/root/.ssh", corev1.VolumeSource{
			Secret: &corev1.SecretVolumeSource{SecretName: object.GetName() + "-ssh", DefaultMode: &mode},
		})
	}
}

func applyServicePlugin(pod *corev1.Pod, object *unstructured.Unstructured, job *VolcanoJob) {
	if pod.Spec.Hostname == "" {
		pod.Spec.Hostname = pod.Name
	}
	if pod.Spec.Subdomain == "" {
		pod.Spec.Subdomain = object.GetName()
	}
	config := corev1.LocalObjectReference{Name: object.GetName() + "-svc"}
	mount(pod, config.Name, "/etc/volcano", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: config}})
	if slices.Contains(job.Spec.Plugins["svc"], "--inject-hosts-env=false") {
		return
	}
	for _, containers := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range containers {
			for _, key := range hostKeys(job) {
				containers[i].Env = append(containers[i].Env, corev1.EnvVar{Name: key, ValueFrom: &corev1.EnvVarSource{
					ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: config, Key: key},
				}})
			}
		}
	}
}

func mount(pod *corev1.Pod, name, path string, source corev1.VolumeSource) {
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: source})
	for _, containers := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range containers {
			containers[i].VolumeMounts = append(containers[i].VolumeMounts, corev1.VolumeMount{Name: name, MountPath: path})
		}
	}
}

func hostKeys(job *VolcanoJob) []string {
	var keys []string
	for _, task := range job.Spec.Tasks {
		upper := strings.ToUpper(strings.ReplaceAll(task.Name, "-", "_"))
		keys = append(keys, "VC_"+upper+"_HOSTS", "VC_"+upper+"_NUM")
	}
	return keys
}

// hosts is the content of the ConfigMap JOB-svc: VC_<TASK>_HOSTS and VC_<TASK>_NUM for the environment,
// and <task>.host for the folder /etc/volcano.
func hosts(name string, job *VolcanoJob) map[string]string {
	data := map[string]string{}
	for _, task := range job.Spec.Tasks {
		var all []string
		for i := range int(task.Replicas) {
			all = append(all, fmt.Sprintf("%s-%s-%d.%s", name, task.Name, i, name))
		}
		key := strings.ReplaceAll(task.Name, "-", "_")
		data["VC_"+strings.ToUpper(key)+"_HOSTS"] = strings.Join(all, ",")
		data["VC_"+strings.ToUpper(key)+"_NUM"] = number(len(all))
		data[key+".host"] = strings.Join(all, "\n")
	}
	return data
}

func (o *Operators) preparePlugins(ctx context.Context, object *unstructured.Unstructured, job *VolcanoJob) error {
	meta := func(suffix string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: object.GetName() + suffix, Namespace: object.GetNamespace(), OwnerReferences: ownerOf(object)}
	}
	if arguments, on := job.Spec.Plugins["svc"]; on {
		config := &corev1.ConfigMap{ObjectMeta: meta("-svc"), Data: hosts(object.GetName(), job)}
		_, err := o.kube.CoreV1().ConfigMaps(object.GetNamespace()).Create(ctx, config, metav1.CreateOptions{})
		if err = ignore(err, apierrors.IsAlreadyExists); err != nil {
			return err
		}
		service := &corev1.Service{ObjectMeta: meta(""), Spec: corev1.ServiceSpec{
			ClusterIP:                "None",
			Selector:                 map[string]string{"volcano.sh/job-name": object.GetName(), "volcano.sh/job-namespace": object.GetNamespace()},
			PublishNotReadyAddresses: slices.Contains(arguments, "--publish-not-ready-addresses=true"),
		}}
		_, err = o.kube.CoreV1().Services(object.GetNamespace()).Create(ctx, service, metav1.CreateOptions{})
		if err = ignore(err, apierrors.IsAlreadyExists); err != nil {
			return err
		}
	}
	if _, on := job.Spec.Plugins["ssh"]; !on {
		return nil
	}
	secret := &corev1.Secret{ObjectMeta: meta("-ssh"), StringData: map[string]string{
		"id_rsa": "not a key", "id_rsa.pub": "not a key", "authorized_keys": "not a key", "config": "StrictHostKeyChecking no\n",
	}}
	_, err := o.kube.CoreV1().Secrets(object.GetNamespace()).Create(ctx, secret, metav1.CreateOptions{})
	return ignore(err, apierrors.IsAlreadyExists)
}
