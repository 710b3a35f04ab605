package operators

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// setAscendEnvironment adds what component/ascend-operator/pkg/controllers/v1/env.go adds to the
// container "ascend". A MindSpore job of one Worker without Scheduler gets nothing.
func setAscendEnvironment(container *corev1.Container, job *AscendJob, replicaType string, rank int, address string) {
	if job.leader() == "" {
		return
	}
	devices := devicesOf(job.Spec.ReplicaSpecs["Worker"])
	resource, own := npuRequest(*container)
	add := adder(container)
	if wholeCard(resource) {
		container.Env = append(container.Env, field("ASCEND_VISIBLE_DEVICES", fmt.Sprintf("metadata.annotations['%s']", resource)))
	}
	add("MINDX_TASK_ID", string(job.UID))
	add("MINDX_SERVER_IP", "clusterd-grpc-svc.mindx-dl.svc.cluster.local")
	add("MINDX_SERVER_DOMAIN", "clusterd-grpc-svc.mindx-dl.svc.cluster.local")
	add("HostNetwork", fmt.Sprint(job.Spec.ReplicaSpecs[replicaType].Template.Spec.HostNetwork))
	if own > 0 {
		add("HCCL_LOGIC_SUPERPOD_ID", "0")
	}
	add("REPLICA_TYPE", replicaType)
	if devices == 0 {
		return
	}
	leaderPort := fmt.Sprint(port(job.Spec.ReplicaSpecs[job.leader()]))
	world := number(devices * job.npuReplicas())
	switch job.Labels["framework"] {
	case "mindspore":
		setMindSporeEnvironment(container, job, replicaType, address)
		add("MS_LOCAL_WORKER", number(devices))
		add("MS_WORKER_NUM", world)
		add("MS_NODE_RANK", number(rank))
		add("MS_SCHED_PORT", leaderPort)
		add("MS_SERVER_NUM", "0")
		add("NPU_POD", fmt.Sprint(own > 0))
	case "pytorch":
		add("LOCAL_WORLD_SIZE", number(devices))
		add("WORLD_SIZE", world)
		add("LOCAL_RANK", localRanks(devices))
		add("MASTER_ADDR", address)
		add("MASTER_PORT", leaderPort)
		add("RANK", number(rank))
	}
}

func setMindSporeEnvironment(container *corev1.Container, job *AscendJob, replicaType, address string) {
	add := adder(container)
	if replicaType == job.leader() {
		container.Env = append(container.Env, field("MS_SCHED_HOST", "status.podIP"))
		add("MS_ROLE", "MS_SCHED")
		return
	}
	add("MS_SCHED_HOST", address)
	add("MS_ROLE", "MS_WORKER")
}

func adder(container *corev1.Container) func(name, value string) {
	return func(name, value string) {
		container.Env = append(container.Env, corev1.EnvVar{Name: name, Value: value})
	}
}

func field(name, path string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}}
}

func localRanks(devices int) string {
	var ranks []string
	for i := range devices {
		ranks = append(ranks, number(i))
	}
	return strings.Join(ranks, ",")
}

func wholeCard(resource string) bool {
	switch resource {
	case "huawei.com/Ascend910", "huawei.com/Ascend310P", "huawei.com/Ascend310", "huawei.com/npu":
		return true
	}
	return false
}
