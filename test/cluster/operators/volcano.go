package operators

import (
	"context"
	"log"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// VolcanoJob is what the controller reads of batch.volcano.sh/v1alpha1 Job.
type VolcanoJob struct {
	Spec   VolcanoSpec   `json:"spec"`
	Status VolcanoStatus `json:"status"`
}

// VolcanoSpec is its specification.
type VolcanoSpec struct {
	MinAvailable      *int32              `json:"minAvailable"`
	MinSuccess        *int32              `json:"minSuccess"`
	MaxRetry          int32               `json:"maxRetry"`
	SchedulerName     string              `json:"schedulerName"`
	PriorityClassName string              `json:"priorityClassName"`
	Queue             string              `json:"queue"`
	Plugins           map[string][]string `json:"plugins"`
	Policies          []VolcanoPolicy     `json:"policies"`
	Tasks             []VolcanoTask       `json:"tasks"`
	Volumes           []any               `json:"volumes"`
}

// VolcanoTask is one role.
type VolcanoTask struct {
	Name         string                 `json:"name"`
	Replicas     int32                  `json:"replicas"`
	MinAvailable *int32                 `json:"minAvailable"`
	Policies     []VolcanoPolicy        `json:"policies"`
	Template     corev1.PodTemplateSpec `json:"template"`
}

// VolcanoPolicy says what an event or an exit code does to the job.
type VolcanoPolicy struct {
	Event    string   `json:"event"`
	Events   []string `json:"events"`
	ExitCode *int32   `json:"exitCode"`
	Action   string   `json:"action"`
}

// VolcanoStatus is its status. Version counts how often the pods were killed; pods carry it.
type VolcanoStatus struct {
	State struct {
		Phase string `json:"phase"`
	} `json:"state"`
	Version    int32 `json:"version"`
	RetryCount int32 `json:"retryCount"`
}

func (j *VolcanoJob) replicas() int32 {
	total := int32(0)
	for _, task := range j.Spec.Tasks {
		total += task.Replicas
	}
	return total
}

func (j *VolcanoJob) minAvailable() int32 {
	if j.Spec.MinAvailable != nil && *j.Spec.MinAvailable > 0 {
		return *j.Spec.MinAvailable
	}
	return j.replicas()
}

// killing names the phases in which the pods of a job go, and the phase that follows.
var killing = map[string]string{"Aborting": "Aborted", "Terminating": "Terminated", "Completing": "Completed"}

// phaseOf is the phase that a policy's action leads to.
var phaseOf = map[string]string{
	"RestartJob": "Restarting", "RestartTask": "Restarting", "RestartPod": "Restarting",
	"AbortJob": "Aborting", "TerminateJob": "Terminating", "CompleteJob": "Completing",
}

func (o *Operators) reconcileVolcanoJob(ctx context.Context, object *unstructured.Unstructured, pods, deleted []*corev1.Pod) error {
	job := &VolcanoJob{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, job); err != nil {
		return err
	}
	before := job.Status
	if job.Status.State.Phase == "" {
		job.Status.State.Phase = "Pending"
	}
	if err := o.advance(ctx, object, job, pods, deleted); err != nil {
		return err
	}
	if job.Status.State.Phase != before.State.Phase {
		log.Printf("%s/%s: %s, retry %d", object.GetNamespace(), object.GetName(), job.Status.State.Phase, job.Status.RetryCount)
	}
	return o.setVolcanoStatus(ctx, object, job, pods)
}

// advance moves a job by one step of volcano's pkg/controllers/job/state.
func (o *Operators) advance(ctx context.Context, object *unstructured.Unstructured, job *VolcanoJob, pods, deleted []*corev1.Pod) error {
	state := &job.Status.State
	switch state.Phase {
	case "Completed", "Failed", "Aborted", "Terminated":
		return o.remove(ctx, pods, unfinished)
	case "Aborting", "Terminating", "Completing":
		if len(pods) == 0 || !hasAny(pods, unfinished) {
			state.Phase = killing[state.Phase]
		}
		return o.remove(ctx, pods, unfinished)
	case "Restarting":
		return o.restart(ctx, job, pods)
	}
	if action, pod := o.action(job, pods, deleted); action != "" {
		return o.act(ctx, job, action, pod, pods)
	}
	if err := o.fill(ctx, object, job, pods); err != nil {
		return err
	}
	job.settle(pods)
	if !job.wantsRankTable(object.GetLabels()) {
		return nil
	}
	return o.writeRankTable(ctx, object, int(job.replicas()), pods)
}

// restart goes on when all pods of earlier versions are gone. A job whose count reached maxRetry fails,
// so maxRetry 3 starts the pods three times in all.
func (o *Operators) restart(ctx context.Context, job *VolcanoJob, pods []*corev1.Pod) error {
	old := func(pod *corev1.Pod) bool { return versionOf(pod) < job.Status.Version }
	if hasAny(pods, old) {
		return o.remove(ctx, pods, old)
	}
	job.Status.State.Phase = "Pending"
	if job.Status.RetryCount >= job.Spec.MaxRetry {
		job.Status.State.Phase = "Failed"
	}
	return nil
}

// act applies a policy's action. RestartTask and RestartPod spare the other pods, so the version stays,
// and the end of the pods they delete is no event of its own.
func (o *Operators) act(ctx context.Context, job *VolcanoJob, action string, cause *corev1.Pod, pods []*corev1.Pod) error {
	phase, known := phaseOf[action]
	if !known {
		return nil
	}
	job.Status.State.Phase = phase
	if phase == "Restarting" {
		job.Status.RetryCount++
	}
	if action != "RestartPod" && action != "RestartTask" {
		job.Status.Version++
		return nil
	}
	return o.remove(ctx, pods, func(pod *corev1.Pod) bool {
		target := pod.UID == cause.UID || action == "RestartTask" && taskOf(pod) == taskOf(cause)
		if target {
			o.firstTime(pod.UID + "/deleted")
		}
		return target
	})
}

// settle is what volcano's pending and running states decide from the pods.
func (j *VolcanoJob) settle(pods []*corev1.Pod) {
	state := &j.Status.State
	succeeded, failed := count(pods, corev1.PodSucceeded), count(pods, corev1.PodFailed)
	started := count(pods, corev1.PodRunning) + succeeded + failed
	if state.Phase == "Pending" && started >= j.minAvailable() {
		state.Phase = "Running"
	}
	if state.Phase != "Running" {
		return
	}
	enough := j.minAvailable()
	if j.Spec.MinSuccess != nil {
		enough = *j.Spec.MinSuccess
		if succeeded >= enough {
			state.Phase = "Completed"
			return
		}
	}
	if succeeded+failed == j.replicas() {
		state.Phase = "Failed"
		if succeeded >= enough {
			state.Phase = "Completed"
		}
	}
}

func (o *Operators) setVolcanoStatus(ctx context.Context, object *unstructured.Unstructured, job *VolcanoJob, pods []*corev1.Pod) error {
	terminating := int64(0)
	for _, pod := range pods {
		if pod.DeletionTimestamp != nil {
			terminating++
		}
	}
	status := map[string]any{
		"state":        map[string]any{"phase": job.Status.State.Phase},
		"version":      int64(job.Status.Version),
		"retryCount":   int64(job.Status.RetryCount),
		"minAvailable": int64(job.minAvailable()),
		"pending":      int64(count(pods, corev1.PodPending)),
		"running":      int64(count(pods, corev1.PodRunning)),
		"succeeded":    int64(count(pods, corev1.PodSucceeded)),
		"failed":       int64(count(pods, corev1.PodFailed)),
		"terminating":  terminating,
	}
	if same(object.Object["status"], status) {
		return nil
	}
	return o.setStatus(ctx, object, status)
}

func hasAny(pods []*corev1.Pod, condition func(*corev1.Pod) bool) bool {
	for _, pod := range pods {
		if condition(pod) {
			return true
		}
	}
	return false
}

func versionOf(pod *corev1.Pod) int32 {
	version, _ := strconv.ParseInt(pod.Annotations["volcano.sh/job-version"], 10, 32)
	return int32(version)
}

func taskOf(pod *corev1.Pod) string { return pod.Annotations["volcano.sh/task-spec"] }
