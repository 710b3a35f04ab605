// Package deviceplugin is a fake kubelet device plugin. One process serves any number of extended
// resources; what a container gets for an allocated device is stated per resource in a JSON file.
// For MindCluster's whole cards it also does what Ascend Device Plugin does under Volcano: it hands
// out the devices that the scheduler wrote into the pod's annotation, and notes them on the pod.
package deviceplugin

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Resource is one advertised extended resource.
type Resource struct {
	// Name as pods request it, for example huawei.com/Ascend910.
	Name string `json:"name"`
	// Count of devices on the node.
	Count int `json:"count"`
	// First is the index of the first device; vNPU numbers start at 100. Default 0.
	First int `json:"first"`
	// Devices are container paths of per-device nodes; {i} is the device's index on the node and {n}
	// its place in the container, for plugins that renumber.
	Devices []string `json:"devices"`
	// Shared are container paths of nodes given once to every container.
	Shared []string `json:"shared"`
	// Mounts are node paths mounted read-only at the same path in the container.
	Mounts []string `json:"mounts"`
	// IndexEnv names the variables that get the comma-separated device indices.
	IndexEnv []string `json:"indexEnv"`
	// Env is given as it is.
	Env map[string]string `json:"env"`
	// VolcanoAnnotation says that the devices of pods of the scheduler "volcano" are named by the
	// pod annotation that is called like the resource.
	VolcanoAnnotation bool `json:"volcanoAnnotation"`
	// Plain resources have no device plugin: the node's status just states the quantity. They are
	// set by package nodes, not here.
	Plain bool `json:"plain"`
}

// short is the part of the name after the vendor's domain.
func (r Resource) short() string {
	_, short, _ := strings.Cut(r.Name, "/")
	return short
}

// Read returns the resources of a JSON file.
func Read(file string) ([]Resource, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var resources []Resource
	if err := json.Unmarshal(content, &resources); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return resources, nil
}

// override applies arguments of the form name=count: a count of a known resource, or a new resource.
func override(resources []Resource, arguments []string) ([]Resource, error) {
	for _, argument := range arguments {
		name, text, ok := strings.Cut(argument, "=")
		count, err := strconv.Atoi(text)
		if !ok || err != nil || count < 0 {
			return nil, fmt.Errorf("resource %q is not of the form name=count", argument)
		}
		resources = withCount(resources, name, count)
	}
	return resources, nil
}

func withCount(resources []Resource, name string, count int) []Resource {
	for i := range resources {
		if resources[i].Name == name {
			resources[i].Count = count
			return resources
		}
	}
	return append(resources, Resource{Name: name, Count: count})
}
