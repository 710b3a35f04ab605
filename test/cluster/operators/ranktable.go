package operators

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"cdk8s-chatglm.example/test/cluster/deviceplugin"
)

// rankTableOf is a table of version 1.0 as component/ascend-operator/pkg/ranktable writes it, all values strings.
type rankTableOf struct {
	Status      string   `json:"status"`
	ServerList  []server `json:"server_list,omitempty"`
	ServerCount string   `json:"server_count,omitempty"`
	Version     string   `json:"version,omitempty"`
}

type server struct {
	Devices     []rankedDevice `json:"device"`
	ServerID    string         `json:"server_id"`
	HostIP      string         `json:"host_ip"`
	ContainerIP string         `json:"container_ip,omitempty"`
}

type rankedDevice struct {
	DeviceID string `json:"device_id"`
	DeviceIP string `json:"device_ip"`
	RankID   string `json:"rank_id"`
}

// writeRankTable fills ConfigMap rings-config-<job> when every pod with devices has them and an address, and
// puts it back to its first state when one is missing. Without such a ConfigMap it does nothing: the
// real operator makes none either. It writes only what differs from what it wrote last, as the real one,
// which therefore does not notice that somebody else changed the ConfigMap.
func (o *Operators) writeRankTable(ctx context.Context, job metav1.Object, total int, pods []*corev1.Pod) error {
	ready := allocated(pods)
	table := rankTableOf{Status: "initializing"}
	if len(ready) == total {
		if err := o.setRanks(ctx, ready); err != nil {
			return err
		}
		completed, err := tableOf(ready)
		if err != nil {
			return err
		}
		table = completed
	}
	content, err := json.Marshal(table)
	if err != nil {
		return err
	}
	written, before := o.tables[job.GetUID()]
	if written == string(content) || !before && table.Status == "initializing" {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"data": map[string]string{"hccl.json": string(content), "version": fmt.Sprint(time.Now().Unix())}})
	if err != nil {
		return err
	}
	configs := o.kube.CoreV1().ConfigMaps(job.GetNamespace())
	_, err = configs.Patch(ctx, "rings-config-"+job.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "ascend-operator"})
	if err != nil {
		return ignore(err, apierrors.IsNotFound)
	}
	log.Printf("%s/rings-config-%s: %s", job.GetNamespace(), job.GetName(), table.Status)
	o.tables[job.GetUID()] = string(content)
	return nil
}

// wantsRankTable says whether the operator makes a table for a Volcano Job: for the label, whatever its value, or a volume of that name.
func (j *VolcanoJob) wantsRankTable(labels map[string]string) bool {
	if _, labelled := labels["ring-controller.atlas"]; labelled {
		return true
	}
	return slices.ContainsFunc(j.Spec.Tasks, func(task VolcanoTask) bool {
		return slices.ContainsFunc(task.Template.Spec.Volumes, func(volume corev1.Volume) bool { return volume.Name == "ranktable" })
	})
}

// allocated returns copies of the pods that want no devices or have them and an address, by name.
func allocated(pods []*corev1.Pod) []*corev1.Pod {
	var ready []*corev1.Pod
	for _, pod := range pods {
		_, given := pod.Annotations[deviceplugin.Configuration]
		if pod.DeletionTimestamp == nil && (!wantsDevices(pod) || given && pod.Status.PodIP != "") {
			ready = append(ready, pod.DeepCopy())
		}
	}
	slices.SortFunc(ready, func(a, b *corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	return ready
}

// setRanks gives the annotation hccl/rankIndex to pods that have none, which are those of Volcano Jobs, as
// the real operator does; it takes them in any order, here it is that of their names.
func (o *Operators) setRanks(ctx context.Context, pods []*corev1.Pod) error {
	used := map[string]bool{}
	for _, pod := range pods {
		used[pod.Annotations["hccl/rankIndex"]] = true
	}
	next := 0
	for _, pod := range pods {
		if pod.Annotations["hccl/rankIndex"] != "" {
			continue
		}
		for used[number(next)] {
			next++
		}
		if err := o.setRank(ctx, pod, next); err != nil {
			return err
		}
		used[number(next)] = true
	}
	return nil
}

func (o *Operators) setRank(ctx context.Context, pod *corev1.Pod, rank int) error {
	pod.Annotations["hccl/rankIndex"] = number(rank)
	patch := fmt.Sprintf(`{"metadata":{"annotations":{"hccl/rankIndex":"%d"}}}`, rank)
	_, err := o.kube.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	return err
}

func wantsDevices(pod *corev1.Pod) bool {
	for _, container := range pod.Spec.Containers {
		if _, devices := npuRequest(container); devices > 0 {
			return true
		}
	}
	return false
}

// tableOf makes the rank table of pods that have their devices: rank = rankIndex x devices a pod + place.
// The server_id is the pod's UID, or the node's address when no two pods share a node.
func tableOf(pods []*corev1.Pod) (rankTableOf, error) {
	table := rankTableOf{Status: "completed", Version: "1.0"}
	nodes := map[string]bool{}
	for _, pod := range pods {
		nodes[pod.Spec.NodeName] = true
	}
	for _, pod := range pods {
		if !wantsDevices(pod) {
			continue
		}
		entry, err := serverOf(pod)
		if err != nil {
			return table, err
		}
		if len(nodes) == len(pods) {
			entry.ServerID = entry.HostIP
		}
		table.ServerList = append(table.ServerList, entry)
	}
	slices.SortFunc(table.ServerList, func(a, b server) int {
		left, _ := strconv.Atoi(a.Devices[0].RankID)
		right, _ := strconv.Atoi(b.Devices[0].RankID)
		return cmp.Compare(left, right)
	})
	table.ServerCount = number(len(table.ServerList))
	return table, nil
}

func serverOf(pod *corev1.Pod) (server, error) {
	var instance deviceplugin.Instance
	if err := json.Unmarshal([]byte(pod.Annotations[deviceplugin.Configuration]), &instance); err != nil {
		return server{}, fmt.Errorf("pod %s: annotation %s: %w", pod.Name, deviceplugin.Configuration, err)
	}
	index, err := strconv.Atoi(pod.Annotations["hccl/rankIndex"])
	if err != nil {
		return server{}, fmt.Errorf("pod %s: annotation hccl/rankIndex: %w", pod.Name, err)
	}
	entry := server{ServerID: instance.ServerID, HostIP: instance.HostIP, ContainerIP: pod.Status.PodIP}
	for place, device := range instance.Devices {
		entry.Devices = append(entry.Devices, rankedDevice{device.ID, device.IP, number(index*len(instance.Devices) + place)})
	}
	return entry, nil
}

func same(before, now any) bool { return equality.Semantic.DeepEqual(before, now) }
