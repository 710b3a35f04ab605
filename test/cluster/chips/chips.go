// Package chips is a scheduler plugin that does the one thing of Volcano's Ascend plugin that pods can
// see: before a pod is bound it writes the chips it shall have into an annotation that is called like
// the resource, for example huawei.com/Ascend910: Ascend910-6,Ascend910-7.
//
// It gives the free chips with the highest numbers, so that programs which take 0..n-1 for granted fail
// here and not on real nodes. It knows nothing of rings, boards or super pods.
package chips

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	framework "k8s.io/kube-scheduler/framework"

	"cdk8s-chatglm.example/test/cluster/deviceplugin"
)

// Name of the plugin in the scheduler's configuration.
const Name = "AscendChips"

// wholeCards are the resources whose chips Volcano names; vNPU are left to the kubelet.
var wholeCards = []corev1.ResourceName{"huawei.com/Ascend910", "huawei.com/Ascend310P", "huawei.com/Ascend310", "huawei.com/npu"}

// Plugin chooses chips. Choices that the informer does not show yet are remembered.
type Plugin struct {
	handle framework.Handle
	mutex  sync.Mutex
	chosen map[types.UID]choice
	turns  map[string]types.UID // by real node: the pod that may be bound
}

type choice struct {
	node     string
	resource corev1.ResourceName
	ids      []string
}

// New is the plugin's factory.
func New(_ context.Context, _ runtime.Object, handle framework.Handle) (framework.Plugin, error) {
	return &Plugin{handle: handle, chosen: map[types.UID]choice{}, turns: map[string]types.UID{}}, nil
}

// Name implements framework.Plugin.
func (p *Plugin) Name() string { return Name }

// PreBindPreFlight skips pods that ask for no whole card.
func (p *Plugin) PreBindPreFlight(_ context.Context, _ framework.CycleState, pod *corev1.Pod, _ string) (*framework.PreBindPreFlightResult, *framework.Status) {
	if _, count := request(pod); count == 0 {
		return nil, framework.NewStatus(framework.Skip)
	}
	return nil, nil
}

// PreBind chooses the chips and writes the annotation. On the real node one pod after the other: the
// kubelet does not tell a device plugin which pod it asks for, so that two pods bound at the same time
// could get each other's chips.
func (p *Plugin) PreBind(ctx context.Context, _ framework.CycleState, pod *corev1.Pod, node string) *framework.Status {
	resource, count := request(pod)
	p.waitForOthers(ctx, pod, node)
	chips, err := p.choose(pod, node, resource, count)
	if err != nil {
		return framework.AsStatus(err)
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{
		string(resource): strings.Join(chips, ","),
		"predicate-time": fmt.Sprint(time.Now().UnixNano()),
	}}})
	if err != nil {
		return framework.AsStatus(err)
	}
	_, err = p.handle.ClientSet().CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return framework.AsStatus(err)
	}
	return nil
}

// waitForOthers returns when every pod chosen for earlier has its devices, or after 5 seconds.
func (p *Plugin) waitForOthers(ctx context.Context, pod *corev1.Pod, node string) {
	object, err := p.handle.SharedInformerFactory().Core().V1().Nodes().Lister().Get(node)
	if err != nil || object.Labels["type"] == "kwok" {
		return
	}
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		if p.enter(pod, node) {
			return
		}
	}
}

// enter takes the turn of a node if nobody has it.
func (p *Plugin) enter(pod *corev1.Pod, node string) bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	turn, taken := p.turns[node]
	if taken && turn != pod.UID && !p.served(turn) {
		return false
	}
	p.turns[node] = pod.UID
	return true
}

// served says whether a pod has its devices, or will never have them.
func (p *Plugin) served(uid types.UID) bool {
	pods, err := p.handle.SharedInformerFactory().Core().V1().Pods().Lister().List(labels.Everything())
	if err != nil {
		return false
	}
	for _, pod := range pods {
		if pod.UID == uid {
			_, given := pod.Annotations[deviceplugin.RealDevices]
			return given || pod.Status.Phase != corev1.PodPending
		}
	}
	return true
}

// request returns the whole-card resource that the pod asks for, and how many.
func request(pod *corev1.Pod) (corev1.ResourceName, int) {
	for _, container := range pod.Spec.Containers {
		for _, name := range wholeCards {
			if quantity, asked := container.Resources.Limits[name]; asked && quantity.Value() > 0 {
				return name, int(quantity.Value())
			}
		}
	}
	return "", 0
}

func (p *Plugin) choose(pod *corev1.Pod, node string, resource corev1.ResourceName, count int) ([]string, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	total, err := p.capacity(node, resource)
	if err != nil {
		return nil, err
	}
	used, err := p.used(node, resource)
	if err != nil {
		return nil, err
	}
	var ids []string
	for i := total - 1; i >= 0 && len(ids) < count; i-- {
		if id := strconv.Itoa(i); !used[id] {
			ids = append([]string{id}, ids...)
		}
	}
	if len(ids) < count {
		return nil, fmt.Errorf("node %s has %d of %d %s free, pod %s/%s wants %d", node, len(ids), total, resource, pod.Namespace, pod.Name, count)
	}
	p.chosen[pod.UID] = choice{node, resource, ids}
	return names(resource, ids), nil
}

// names makes Ascend910-6 of index 6 of huawei.com/Ascend910.
func names(resource corev1.ResourceName, ids []string) []string {
	var all []string
	for _, id := range ids {
		all = append(all, strings.TrimPrefix(string(resource), "huawei.com/")+"-"+id)
	}
	return all
}

func (p *Plugin) capacity(node string, resource corev1.ResourceName) (int, error) {
	object, err := p.handle.SharedInformerFactory().Core().V1().Nodes().Lister().Get(node)
	if err != nil {
		return 0, err
	}
	quantity := object.Status.Allocatable[resource]
	return int(quantity.Value()), nil
}

// used returns the indices that other pods of the node have, by annotation or by a choice just made.
func (p *Plugin) used(node string, resource corev1.ResourceName) (map[string]bool, error) {
	pods, err := p.handle.SharedInformerFactory().Core().V1().Pods().Lister().List(labels.Everything())
	if err != nil {
		return nil, err
	}
	used, waiting := map[string]bool{}, map[types.UID]choice{}
	for _, pod := range pods {
		if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		if pod.Spec.NodeName == node {
			mark(used, deviceplugin.Noted(pod, string(resource)))
		}
		if choice, chosen := p.chosen[pod.UID]; chosen && pod.Spec.NodeName == "" {
			waiting[pod.UID] = choice
			if choice.node == node && choice.resource == resource {
				mark(used, choice.ids)
			}
		}
	}
	p.chosen = waiting
	return used, nil
}

func mark(used map[string]bool, ids []string) {
	for _, id := range ids {
		used[id] = true
	}
}
