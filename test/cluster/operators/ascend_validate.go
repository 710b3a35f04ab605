package operators

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// leaders are the legal replica types of each framework beside Worker.
var leaders = map[string]string{"mindspore": "Scheduler", "pytorch": "Master", "tensorflow": "Chief"}

// validate returns what the real operator's ascendjob_validate.go would refuse, or "".
func (o *Operators) validate(ctx context.Context, job *AscendJob) string {
	framework := job.Labels["framework"]
	leader, known := leaders[framework]
	if !known {
		return fmt.Sprintf("label framework is %q but must be one of mindspore, pytorch, tensorflow", framework)
	}
	if policy := job.Spec.SuccessPolicy; policy != "" && policy != "AllWorkers" {
		return `job success policy is invalid, it must be one of <"", AllWorkers>`
	}
	if fault := o.validateQueue(ctx, job); fault != "" {
		return fault
	}
	for _, name := range slices.Sorted(maps.Keys(job.Spec.ReplicaSpecs)) {
		if fault := validateReplica(name, leader, job.Spec.ReplicaSpecs[name]); fault != "" {
			return fault
		}
	}
	if _, led := job.Spec.ReplicaSpecs[leader]; led {
		return ""
	}
	if framework != "mindspore" {
		return "replicaType is not valid: there need 1 leader replicaType, Master for pytorch, Chief of tensorflow"
	}
	if perPod := devicesOf(job.Spec.ReplicaSpecs["Worker"]); perPod*job.Spec.ReplicaSpecs["Worker"].count() > 1 {
		return "replicaSpec is not valid: when scheduler not found, the req num must be 1"
	}
	return ""
}

func (o *Operators) validateQueue(ctx context.Context, job *AscendJob) string {
	policy := job.Spec.RunPolicy.SchedulingPolicy
	if policy == nil {
		return ""
	}
	if _, err := o.dynamic.Resource(queues).Get(ctx, policy.Queue, metav1.GetOptions{}); err != nil {
		return fmt.Sprintf("check queue<%s> failed, err: %v, maybe it is not create", policy.Queue, err)
	}
	return ""
}

func validateReplica(name, leader string, replica AscendReplica) string {
	if name != leader && name != "Worker" {
		return fmt.Sprintf("replicaType is %s but must be one of [%s Worker]", name, leader)
	}
	if name == leader && replica.count() != 1 {
		return fmt.Sprintf("%s replicaSpec is not valid, the replicas must be only 1", name)
	}
	for _, container := range replica.Template.Spec.Containers {
		if container.Name == "ascend" && container.Image != "" {
			return ""
		}
	}
	return fmt.Sprintf("%s replicaSpec is not valid: There is no container named ascend", name)
}

// devicesOf is the number of NPUs that the container "ascend" of each pod asks for.
func devicesOf(replica AscendReplica) int {
	for _, container := range replica.Template.Spec.Containers {
		if container.Name == "ascend" {
			_, devices := npuRequest(container)
			return devices
		}
	}
	return 0
}

// npuRequest reads requests alone, as the real operator does: nobody copies the limits of a job's template into them.
func npuRequest(container corev1.Container) (string, int) {
	for name, quantity := range container.Resources.Requests {
		if strings.HasPrefix(string(name), "huawei.com/") {
			return string(name), int(quantity.Value())
		}
	}
	return "", 0
}
