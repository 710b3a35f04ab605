package operators

import (
	"context"
	"fmt"
	"log"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// AscendJob is what the controller reads of mindxdl.gitee.com/v1 AscendJob.
type AscendJob struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              AscendSpec   `json:"spec"`
	Status            AscendStatus `json:"status"`
}

// AscendSpec is its specification.
type AscendSpec struct {
	RunPolicy struct {
		BackoffLimit     *int32 `json:"backoffLimit"`
		CleanPodPolicy   string `json:"cleanPodPolicy"`
		SchedulingPolicy *struct {
			MinAvailable *int32 `json:"minAvailable"`
			Queue        string `json:"queue"`
		} `json:"schedulingPolicy"`
	} `json:"runPolicy"`
	SuccessPolicy string                   `json:"successPolicy"`
	SchedulerName string                   `json:"schedulerName"`
	ReplicaSpecs  map[string]AscendReplica `json:"replicaSpecs"`
}

// AscendReplica is one replica type.
type AscendReplica struct {
	Replicas      *int32                 `json:"replicas"`
	RestartPolicy string                 `json:"restartPolicy"`
	Template      corev1.PodTemplateSpec `json:"template"`
}

// AscendStatus is its status.
type AscendStatus struct {
	Conditions []AscendCondition `json:"conditions"`
}

// AscendCondition is one of Created, Running, Restarting, Succeeded, Failed.
type AscendCondition struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// retrying is how a job with the label fault-retry-times stands.
type retrying struct {
	version int // how often the pods were made again
	clean   bool
}

func (r AscendReplica) count() int {
	if r.Replicas == nil {
		return 1
	}
	return int(*r.Replicas)
}

func (j *AscendJob) has(condition string) bool {
	return slices.ContainsFunc(j.Status.Conditions, func(c AscendCondition) bool { return c.Type == condition && c.Status == "True" })
}

func (j *AscendJob) total() int {
	total := 0
	for _, replica := range j.Spec.ReplicaSpecs {
		total += replica.count()
	}
	return total
}

func (o *Operators) reconcileAscendJob(ctx context.Context, object *unstructured.Unstructured, pods []*corev1.Pod) error {
	job := &AscendJob{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, job); err != nil {
		return err
	}
	if job.has("Succeeded") || job.has("Failed") {
		return o.cleanAscendPods(ctx, job, pods)
	}
	condition, err := o.stepAscendJob(ctx, object, job, pods)
	if err != nil || condition == nil {
		return err
	}
	return o.setAscendStatus(ctx, object, job, *condition, pods)
}

// stepAscendJob does one step of ReconcileJobs and returns the condition to append, if any.
func (o *Operators) stepAscendJob(ctx context.Context, object *unstructured.Unstructured, job *AscendJob, pods []*corev1.Pod) (*AscendCondition, error) {
	if fault := o.validate(ctx, job); fault != "" {
		return failed("JobValidFailed", fault), nil
	}
	if fault := o.checkBackoff(job, pods); fault != nil {
		return fault, nil
	}
	if waiting, err := o.waitForRestart(ctx, job, pods); waiting || err != nil {
		return nil, err
	}
	if err := o.makeAscendPods(ctx, object, job, pods); err != nil {
		return nil, err
	}
	if err := o.writeRankTable(ctx, object, job.total(), pods); err != nil {
		return nil, err
	}
	return o.judge(ctx, job, pods)
}

// judge is the real operator's checkSpecStatus.
func (o *Operators) judge(ctx context.Context, job *AscendJob, pods []*corev1.Pod) (*AscendCondition, error) {
	active, succeeded := count(pods, corev1.PodRunning), count(pods, corev1.PodSucceeded)
	switch {
	case count(pods, corev1.PodFailed) > 0:
		return o.judgeFailure(ctx, job, pods)
	case active > 0:
		return &AscendCondition{Type: "Running", Status: "True", Reason: "JobRunning",
			Message: fmt.Sprintf("Job %s/%s is running.", job.Namespace, job.Name)}, nil
	case succeeded > 0 && int(succeeded) == job.total():
		return &AscendCondition{Type: "Succeeded", Status: "True", Reason: "JobRunning",
			Message: fmt.Sprintf("Job<%s-%s> successfully completed.", job.Namespace, job.Name)}, nil
	}
	return nil, nil
}

// judgeFailure restarts what may be restarted: pods under restartPolicy ExitCode that ended with 128 or
// more, and whole jobs while fault-retry-times (with fault-scheduling, in the Volcano plugin) lasts.
func (o *Operators) judgeFailure(ctx context.Context, job *AscendJob, pods []*corev1.Pod) (*AscendCondition, error) {
	restarting := false
	for _, pod := range pods {
		replica := job.Spec.ReplicaSpecs[job.replicaType(pod)]
		if pod.Status.Phase != corev1.PodFailed || replica.RestartPolicy != "ExitCode" || exitCode(pod) < 128 {
			continue
		}
		restarting = true
		if err := o.remove(ctx, []*corev1.Pod{pod}, anyPod); err != nil {
			return nil, err
		}
	}
	if restarting {
		return restart(fmt.Sprintf("Job %s is restarting because replica(s) failed.", job.Name)), nil
	}
	limit := job.retryLimit()
	if limit == 0 {
		return failed("JobFailed", fmt.Sprintf("Job <%s/%s> has failed because has pod failed.", job.Namespace, job.Name)), nil
	}
	state := o.retries[job.UID]
	if state.version >= limit {
		return failed("JobFailed", fmt.Sprintf("Job <%s/%s> has failed because pod failed and remain retry times is 0.", job.Namespace, job.Name)), nil
	}
	o.retries[job.UID] = retrying{version: state.version + 1, clean: true}
	remaining := limit - state.version
	message := fmt.Sprintf("Job <%s/%s> is unconditional retry job and remain retry times is <%d>.", job.Namespace, job.Name, remaining)
	return restart(message), o.remove(ctx, pods, anyPod)
}

// retryLimit is the label fault-retry-times where rescheduling is on.
func (j *AscendJob) retryLimit() int {
	if policy := j.Labels["fault-scheduling"]; policy == "" || policy == "off" {
		return 0
	}
	limit, err := strconv.Atoi(j.Labels["fault-retry-times"])
	if err != nil || limit < 0 {
		return 0
	}
	return limit
}

// waitForRestart holds new pods back until all pods of the failed round are gone.
func (o *Operators) waitForRestart(ctx context.Context, job *AscendJob, pods []*corev1.Pod) (bool, error) {
	state := o.retries[job.UID]
	if !state.clean {
		return false, nil
	}
	old := func(pod *corev1.Pod) bool { return pod.Labels["version"] != number(state.version) }
	if hasAny(pods, old) {
		return true, o.remove(ctx, pods, old)
	}
	o.retries[job.UID] = retrying{version: state.version}
	return false, nil
}

func (o *Operators) checkBackoff(job *AscendJob, pods []*corev1.Pod) *AscendCondition {
	limit := job.Spec.RunPolicy.BackoffLimit
	if limit == nil || *limit <= 0 || o.retries[job.UID].version <= int(*limit) || count(pods, corev1.PodFailed) == 0 {
		return nil
	}
	return failed("JobFailed", fmt.Sprintf("Job %s has failed because it has reached the specified backoff limit", job.Name))
}

// cleanAscendPods is what the real operator does with a finished job: pending pods go in any case, the
// others as cleanPodPolicy says (default None).
func (o *Operators) cleanAscendPods(ctx context.Context, job *AscendJob, pods []*corev1.Pod) error {
	return o.remove(ctx, pods, func(pod *corev1.Pod) bool {
		switch job.Spec.RunPolicy.CleanPodPolicy {
		case "All":
			return true
		case "Running":
			return unfinished(pod)
		}
		return pod.Status.Phase == corev1.PodPending
	})
}

func failed(reason, message string) *AscendCondition {
	return &AscendCondition{Type: "Failed", Status: "True", Reason: reason, Message: message}
}

func restart(message string) *AscendCondition {
	return &AscendCondition{Type: "Restarting", Status: "True", Reason: "JobRestarting", Message: message}
}

func (j *AscendJob) replicaType(pod *corev1.Pod) string {
	for name := range j.Spec.ReplicaSpecs {
		if strings.EqualFold(name, pod.Labels["training.kubeflow.org/replica-type"]) {
			return name
		}
	}
	return ""
}

// setAscendStatus appends a condition as kubeflow's UpdateJobConditions does: the newest is the last,
// Running and Restarting exclude each other, an end makes Running false.
func (o *Operators) setAscendStatus(ctx context.Context, object *unstructured.Unstructured, job *AscendJob, condition AscendCondition, pods []*corev1.Pod) error {
	if last := len(job.Status.Conditions) - 1; last >= 0 && job.Status.Conditions[last] == condition {
		return nil
	}
	log.Printf("%s/%s: %s: %s", job.Namespace, job.Name, condition.Type, condition.Message)
	now := metav1.NewTime(time.Now()).UTC().Format(time.RFC3339)
	var conditions []any
	for _, old := range append(job.Status.Conditions, condition) {
		if old.Type == condition.Type && old != condition || excludes(condition.Type, old.Type) {
			continue
		}
		if old.Type == "Running" && (condition.Type == "Succeeded" || condition.Type == "Failed") {
			old.Status = "False"
		}
		conditions = append(conditions, map[string]any{
			"type": old.Type, "status": old.Status, "reason": old.Reason, "message": old.Message,
			"lastUpdateTime": now, "lastTransitionTime": now,
		})
	}
	status := map[string]any{"conditions": conditions, "replicaStatuses": replicaStatuses(job, pods), "startTime": now}
	if condition.Type == "Succeeded" || condition.Type == "Failed" {
		status["completionTime"] = now
	}
	return o.setStatus(ctx, object, status)
}

func excludes(condition, old string) bool {
	return condition == "Running" && old == "Restarting" || condition == "Restarting" && old == "Running"
}

func replicaStatuses(job *AscendJob, pods []*corev1.Pod) map[string]any {
	statuses := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(job.Spec.ReplicaSpecs)) {
		var own []*corev1.Pod
		for _, pod := range pods {
			if job.replicaType(pod) == name {
				own = append(own, pod)
			}
		}
		statuses[name] = map[string]any{
			"active":    int64(count(own, corev1.PodRunning)),
			"succeeded": int64(count(own, corev1.PodSucceeded)),
			"failed":    int64(count(own, corev1.PodFailed)),
		}
	}
	return statuses
}
