package operators

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// action returns what the job's policies say to the first pod event that none was found for yet, and
// that pod. Events of earlier versions are history.
func (o *Operators) action(job *VolcanoJob, pods, deleted []*corev1.Pod) (string, *corev1.Pod) {
	for _, pod := range deleted {
		if versionOf(pod) == job.Status.Version && o.firstTime(pod.UID+"/deleted") {
			if action := job.policy(taskOf(pod), "PodEvicted", 0); action != "" {
				return action, pod
			}
		}
	}
	for _, pod := range pods {
		if versionOf(pod) != job.Status.Version || !ended(pod) || !o.firstTime(pod.UID) {
			continue
		}
		event, code := "PodFailed", exitCode(pod)
		if pod.Status.Phase == corev1.PodSucceeded {
			event, code = "", 0
			if completed(job, taskOf(pod), pods) {
				event = "TaskCompleted"
			}
		}
		if action := job.policy(taskOf(pod), event, code); action != "" {
			return action, pod
		}
	}
	return "", nil
}

// policy finds the action for an event: the task's own policies first, then the job's; in each, events
// before exit codes, in order (volcano pkg/controllers/job/job_controller_util.go applyPolicies).
func (j *VolcanoJob) policy(task, event string, code int32) string {
	for _, candidate := range j.Spec.Tasks {
		if candidate.Name != task {
			continue
		}
		if action := match(candidate.Policies, event, code); action != "" {
			return action
		}
	}
	return match(j.Spec.Policies, event, code)
}

func match(policies []VolcanoPolicy, event string, code int32) string {
	for _, policy := range policies {
		events := policy.Events
		if policy.Event != "" {
			events = append(slices.Clone(events), policy.Event)
		}
		if event != "" && (slices.Contains(events, event) || slices.Contains(events, "*")) {
			return policy.Action
		}
		if policy.ExitCode != nil && *policy.ExitCode != 0 && *policy.ExitCode == code {
			return policy.Action
		}
	}
	return ""
}

func completed(job *VolcanoJob, task string, pods []*corev1.Pod) bool {
	succeeded := int32(0)
	for _, pod := range pods {
		if taskOf(pod) == task && pod.Status.Phase == corev1.PodSucceeded {
			succeeded++
		}
	}
	for _, candidate := range job.Spec.Tasks {
		if candidate.Name == task {
			return succeeded == candidate.Replicas
		}
	}
	return false
}
