package operators

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func int32Of(value int32) *int32 { return &value }

func TestPolicyPrefersTheTaskAndTheFirstMatch(t *testing.T) {
	job := &VolcanoJob{Spec: VolcanoSpec{
		Policies: []VolcanoPolicy{{ExitCode: int32Of(21), Action: "AbortJob"}, {Event: "PodFailed", Action: "RestartJob"}, {Events: []string{"*"}, Action: "TerminateJob"}},
		Tasks:    []VolcanoTask{{Name: "worker", Policies: []VolcanoPolicy{{Event: "TaskCompleted", Action: "CompleteJob"}}}, {Name: "other"}},
	}}
	for _, test := range []struct {
		task, event string
		code        int32
		want        string
	}{
		{"worker", "TaskCompleted", 0, "CompleteJob"},
		{"other", "TaskCompleted", 0, "TerminateJob"},
		{"worker", "PodFailed", 21, "AbortJob"},
		{"worker", "PodFailed", 1, "RestartJob"},
		{"worker", "", 0, ""},
	} {
		if got := job.policy(test.task, test.event, test.code); got != test.want {
			t.Errorf("policy(%s, %s, %d) is %q, want %q", test.task, test.event, test.code, got, test.want)
		}
	}
}

func podIn(phase corev1.PodPhase) *corev1.Pod {
	return &corev1.Pod{Status: corev1.PodStatus{Phase: phase}}
}

func TestSettle(t *testing.T) {
	for _, test := range []struct {
		name       string
		phase      string
		minSuccess *int32
		pods       []*corev1.Pod
		want       string
	}{
		{"waits for the gang", "Pending", nil, []*corev1.Pod{podIn("Running"), podIn("Pending")}, "Pending"},
		{"runs with the gang", "Pending", nil, []*corev1.Pod{podIn("Running"), podIn("Running")}, "Running"},
		{"completes", "Running", nil, []*corev1.Pod{podIn("Succeeded"), podIn("Succeeded")}, "Completed"},
		{"fails", "Running", nil, []*corev1.Pod{podIn("Succeeded"), podIn("Failed")}, "Failed"},
		{"is content with minSuccess", "Running", int32Of(1), []*corev1.Pod{podIn("Succeeded"), podIn("Running")}, "Completed"},
	} {
		job := &VolcanoJob{Spec: VolcanoSpec{MinAvailable: int32Of(2), MinSuccess: test.minSuccess, Tasks: []VolcanoTask{{Replicas: 2}}}}
		job.Status.State.Phase = test.phase
		job.settle(test.pods)
		if got := job.Status.State.Phase; got != test.want {
			t.Errorf("%s: phase is %s, want %s", test.name, got, test.want)
		}
	}
}

func allocatedPod(name, node, uid, rank, configuration string) *corev1.Pod {
	devices := corev1.ResourceList{"huawei.com/Ascend910": resource.MustParse("2")}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(uid), Annotations: map[string]string{
			"hccl/rankIndex": rank,
			"ascend.kubectl.kubernetes.io/ascend-910-configuration": configuration,
		}},
		Spec:   corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: devices, Limits: devices}}}},
		Status: corev1.PodStatus{PodIP: "10.0.0.1"},
	}
}

func TestTableOrdersByRankAndNamesServers(t *testing.T) {
	second := `{"server_id":"b","host_ip":"1.1.1.2","devices":[{"device_id":"6","device_ip":"2.2.2.6"},{"device_id":"7","device_ip":"2.2.2.7"}]}`
	first := `{"server_id":"a","host_ip":"1.1.1.1","devices":[{"device_id":"2","device_ip":"2.2.2.2"},{"device_id":"3","device_ip":"2.2.2.3"}]}`
	for _, test := range []struct {
		nodes   [2]string
		servers [2]string
	}{
		{[2]string{"one", "one"}, [2]string{"a", "b"}},             // pods that share a node go by their UID
		{[2]string{"one", "two"}, [2]string{"1.1.1.1", "1.1.1.2"}}, // else by the node's address
	} {
		table, err := tableOf([]*corev1.Pod{
			allocatedPod("y", test.nodes[1], "b", "1", second),
			allocatedPod("x", test.nodes[0], "a", "0", first),
		})
		if err != nil {
			t.Fatal(err)
		}
		if table.ServerCount != "2" || table.ServerList[0].ServerID != test.servers[0] || table.ServerList[1].ServerID != test.servers[1] {
			t.Errorf("servers are %+v, want %v", table.ServerList, test.servers)
		}
		if got := table.ServerList[1].Devices[1]; got != (rankedDevice{"7", "2.2.2.7", "3"}) {
			t.Errorf("the last device is %+v", got)
		}
	}
}

func TestRankTableNeedsTheLabelOrAVolumeOfItsName(t *testing.T) {
	volume := func(name string) corev1.PodTemplateSpec {
		return corev1.PodTemplateSpec{Spec: corev1.PodSpec{Volumes: []corev1.Volume{{Name: name}}}}
	}
	for _, test := range []struct {
		name     string
		labels   map[string]string
		template corev1.PodTemplateSpec
		want     bool
	}{
		{"neither", map[string]string{"app": "train"}, volume("ascend-910-config"), false},
		{"the label on the job", map[string]string{"ring-controller.atlas": "ascend-910b"}, volume("ascend-910-config"), true},
		{"the volume", nil, volume("ranktable"), true},
	} {
		job := &VolcanoJob{Spec: VolcanoSpec{Tasks: []VolcanoTask{{Template: volume("data")}, {Template: test.template}}}}
		if got := job.wantsRankTable(test.labels); got != test.want {
			t.Errorf("%s: wantsRankTable is %t, want %t", test.name, got, test.want)
		}
	}
}

func TestDevicesAreReadFromRequests(t *testing.T) {
	devices := corev1.ResourceList{"huawei.com/Ascend910": resource.MustParse("8")}
	for _, test := range []struct {
		name      string
		resources corev1.ResourceRequirements
		want      int
	}{
		{"both", corev1.ResourceRequirements{Requests: devices, Limits: devices}, 8},
		{"limits alone, which nobody copies in a template", corev1.ResourceRequirements{Limits: devices}, 0},
	} {
		if _, got := npuRequest(corev1.Container{Resources: test.resources}); got != test.want {
			t.Errorf("%s: %d devices, want %d", test.name, got, test.want)
		}
	}
}
