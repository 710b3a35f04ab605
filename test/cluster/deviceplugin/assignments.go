package deviceplugin

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// Annotations that Ascend Device Plugin leaves on a pod, Ascend/mind-cluster@22bb3d98
// component/ascend-common/api/default_name.go and component/ascend-device-plugin/pkg/device/ascendcommon.go.
const (
	RealDevices    = "huawei.com/AscendReal"
	KubeletDevices = "huawei.com/kltDev"
	// Configuration is what the Ascend Operator makes rank tables from.
	Configuration = "ascend.kubectl.kubernetes.io/ascend-910-configuration"
)

// Instance is the content of the annotation Configuration.
type Instance struct {
	PodName    string   `json:"pod_name"`
	ServerID   string   `json:"server_id"` // the pod's UID since MindCluster 7.3
	HostIP     string   `json:"host_ip"`
	SuperPodID int      `json:"super_pod_id"`
	Devices    []Device `json:"devices"`
}

// Device is one NPU of an Instance.
type Device struct {
	ID string `json:"device_id"`
	IP string `json:"device_ip"`
}

// DeviceIP is the address that the fake node's hccn.conf and hccn_tool give the device.
func DeviceIP(id string) string { return "192.168.100.1" + fmt.Sprintf("%02s", id) }

// assignments finds the pods of this node that wait for devices which Volcano chose.
type assignments struct {
	client       kubernetes.Interface
	node, nodeIP string
	mutex        sync.Mutex
}

// claim returns the devices of the oldest pod that has them noted for this resource and has none yet,
// and notes on it that they are given. It returns nil when there is no such pod.
func (a *assignments) claim(ctx context.Context, resource Resource, kubelet []string) ([]string, error) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	pods, err := a.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + a.node})
	if err != nil {
		return nil, err
	}
	pod := oldest(pods.Items, resource.Name, len(kubelet))
	if pod == nil {
		return nil, nil
	}
	ids := Noted(pod, resource.Name)
	return ids, a.note(ctx, pod, resource, ids, kubelet)
}

func oldest(pods []corev1.Pod, resource string, count int) *corev1.Pod {
	var found *corev1.Pod
	for i := range pods {
		pod := &pods[i]
		_, given := pod.Annotations[RealDevices]
		if given || pod.DeletionTimestamp != nil || len(Noted(pod, resource)) != count {
			continue
		}
		if found == nil || pod.CreationTimestamp.Before(&found.CreationTimestamp) {
			found = pod
		}
	}
	return found
}

// Noted returns the indices in the annotation that is called like the resource, such as 6 and 7 for
// "Ascend910-6,Ascend910-7".
func Noted(pod *corev1.Pod, resource string) []string {
	annotation := pod.Annotations[resource]
	if annotation == "" {
		return nil
	}
	var ids []string
	for _, name := range strings.Split(annotation, ",") {
		ids = append(ids, name[strings.LastIndex(name, "-")+1:])
	}
	sortNumeric(ids)
	return ids
}

func (a *assignments) note(ctx context.Context, pod *corev1.Pod, resource Resource, ids, kubelet []string) error {
	instance := Instance{PodName: pod.Name, ServerID: string(pod.UID), HostIP: a.nodeIP, SuperPodID: -1}
	for _, id := range ids {
		instance.Devices = append(instance.Devices, Device{ID: id, IP: DeviceIP(id)})
	}
	configuration, err := json.Marshal(instance)
	if err != nil {
		return err
	}
	annotations := map[string]string{RealDevices: names(resource, ids), KubeletDevices: names(resource, kubelet)}
	if resource.Name == "huawei.com/Ascend910" {
		annotations[Configuration] = string(configuration)
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": annotations}})
	if err != nil {
		return err
	}
	_, err = a.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

func names(resource Resource, ids []string) string {
	all := slices.Clone(ids)
	for i, id := range all {
		all[i] = resource.short() + "-" + id
	}
	return strings.Join(all, ",")
}
