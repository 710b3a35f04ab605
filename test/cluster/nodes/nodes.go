// Package nodes makes the simulated nodes (kwok keeps them Ready) and states on the real node the
// quantities that no device plugin advertises.
package nodes

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"cdk8s-chatglm.example/test/cluster/deviceplugin"
)

// Product is one server product as nodes.json states it.
type Product struct {
	// Name of the node and value of its label test.cluster/product.
	Name string `json:"name"`
	// Product in the vendor's words.
	Product string `json:"product"`
	// Architecture is the value of kubernetes.io/arch.
	Architecture string `json:"architecture"`
	CPU          string `json:"cpu"`
	Memory       string `json:"memory"`
	// Devices by resource name.
	Devices map[string]string `json:"devices"`
	// Labels that the node has in any case.
	Labels map[string]string `json:"labels"`
	// LabelsUpTo260 and LabelsFrom261 are what MindCluster's two labelling schemes add. With either,
	// the product becomes two nodes, NAME-26-0 and NAME-26-1.
	LabelsUpTo260 map[string]string `json:"labelsUpTo26.0"`
	LabelsFrom261 map[string]string `json:"labelsFrom26.1"`
}

// Main makes all nodes of a file, and with --real sets the plain resources of the real node.
func Main(arguments []string) error {
	flags := flag.NewFlagSet("nodes", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "of an administrator (needed)")
	config := flags.String("config", "", "JSON list of products (needed)")
	devices := flags.String("devices", "", "the device plugin's JSON file")
	real := flags.String("real", "", "name of the real node, if there is one")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	rest, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	rest.QPS, rest.Burst = 200, 200
	client, err := kubernetes.NewForConfig(rest)
	if err != nil {
		return err
	}
	products, err := read(*config)
	if err != nil {
		return err
	}
	ctx := context.Background()
	for _, node := range Simulated(products) {
		if _, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("node %s: %w", node.Name, err)
		}
	}
	if *real == "" {
		return nil
	}
	return setPlain(ctx, client, *real, *devices)
}

func read(file string) ([]Product, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var products []Product
	if err := json.Unmarshal(content, &products); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(products) == 0 {
		return nil, errors.New(file + ": no products")
	}
	return products, nil
}

// Simulated returns the nodes of all products, one for each labelling scheme.
func Simulated(products []Product) []*corev1.Node {
	var nodes []*corev1.Node
	for _, product := range products {
		if product.LabelsUpTo260 == nil && product.LabelsFrom261 == nil {
			nodes = append(nodes, simulated(product, product.Name, nil))
			continue
		}
		nodes = append(nodes,
			simulated(product, product.Name+"-26-0", withVersion(product.LabelsUpTo260, "26.0")),
			simulated(product, product.Name+"-26-1", withVersion(product.LabelsFrom261, "26.1")))
	}
	return nodes
}

func withVersion(labels map[string]string, version string) map[string]string {
	all := map[string]string{"test.cluster/mind-cluster": version}
	maps.Copy(all, labels)
	return all
}

func simulated(product Product, name string, extra map[string]string) *corev1.Node {
	labels := map[string]string{
		"type":                   "kwok",
		"test.cluster/product":   product.Name,
		"kubernetes.io/arch":     product.Architecture,
		"kubernetes.io/os":       "linux",
		"kubernetes.io/hostname": name,
	}
	maps.Copy(labels, product.Labels)
	maps.Copy(labels, extra)
	capacity := corev1.ResourceList{
		corev1.ResourceCPU:              resource.MustParse(product.CPU),
		corev1.ResourceMemory:           resource.MustParse(product.Memory),
		corev1.ResourcePods:             resource.MustParse("110"),
		corev1.ResourceEphemeralStorage: resource.MustParse("3Ti"),
	}
	for device, quantity := range product.Devices {
		capacity[corev1.ResourceName(device)] = resource.MustParse(quantity)
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, Annotations: map[string]string{
			"kwok.x-k8s.io/node":   "fake",
			"test.cluster/product": product.Product,
		}},
		Spec: corev1.NodeSpec{Taints: []corev1.Taint{{Key: "kwok.x-k8s.io/node", Value: "fake", Effect: corev1.TaintEffectNoSchedule}}},
		Status: corev1.NodeStatus{
			Capacity:    capacity,
			Allocatable: capacity,
			NodeInfo:    corev1.NodeSystemInfo{Architecture: product.Architecture, OperatingSystem: "linux", KubeletVersion: "kwok"},
		},
	}
}

// setPlain states the resources that are marked plain; the kubelet keeps what it did not write itself.
func setPlain(ctx context.Context, client kubernetes.Interface, node, devices string) error {
	resources, err := deviceplugin.Read(devices)
	if err != nil {
		return err
	}
	capacity := map[string]string{}
	for _, resource := range resources {
		if resource.Plain {
			capacity[resource.Name] = fmt.Sprint(resource.Count)
		}
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"capacity": capacity, "allocatable": capacity}})
	if err != nil {
		return err
	}
	_, err = client.CoreV1().Nodes().Patch(ctx, node, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}
