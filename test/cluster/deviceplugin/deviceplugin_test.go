package deviceplugin

import (
	"reflect"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func noted(name, annotation string, age time.Duration, given bool) corev1.Pod {
	annotations := map[string]string{"huawei.com/Ascend910": annotation}
	if given {
		annotations[RealDevices] = annotation
	}
	return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations, CreationTimestamp: metav1.NewTime(time.Now().Add(-age))}}
}

func TestOldestSkipsPodsThatHaveTheirsAndOtherCounts(t *testing.T) {
	pods := []corev1.Pod{
		noted("given", "Ascend910-0,Ascend910-1", 4*time.Hour, true),
		noted("one", "Ascend910-4", 3*time.Hour, false),
		noted("young", "Ascend910-2,Ascend910-3", 1*time.Hour, false),
		noted("old", "Ascend910-10,Ascend910-9", 2*time.Hour, false),
	}
	pod := oldest(pods, "huawei.com/Ascend910", 2)
	if pod == nil || pod.Name != "old" {
		t.Fatalf("the oldest is %v, want old", pod)
	}
	if ids := Noted(pod, "huawei.com/Ascend910"); !reflect.DeepEqual(ids, []string{"9", "10"}) {
		t.Errorf("its devices are %v, want 9 and 10", ids)
	}
}

func TestPathsNameDevicesByIndexOrPlace(t *testing.T) {
	p := &plugin{Resource: Resource{Devices: []string{"/dev/bm-sophon{n}", "/dev/x{i}"}, Shared: []string{"/dev/ctl"}}}
	want := []string{"/dev/bm-sophon0", "/dev/x5", "/dev/bm-sophon1", "/dev/x7", "/dev/ctl"}
	if got := p.paths([]string{"5", "7"}); !reflect.DeepEqual(got, want) {
		t.Errorf("paths are %v, want %v", got, want)
	}
}

func TestOverrideRefusesWhatIsNoCount(t *testing.T) {
	if _, err := override(nil, []string{"huawei.com/npu=many"}); err == nil || err.Error() != `resource "huawei.com/npu=many" is not of the form name=count` {
		t.Errorf("the error is %v", err)
	}
}
