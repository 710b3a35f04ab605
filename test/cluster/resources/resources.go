// Package resources makes the custom resource definitions of a folder. A schema {$ref: NAME} in them
// stands for Kubernetes' own type of that name, taken from the API server that runs, so that a pod
// template inside a custom resource is checked as strictly as a pod.
package resources

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

var definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// Main makes all definitions of a folder.
func Main(arguments []string) error {
	flags := flag.NewFlagSet("resources", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "of an administrator (needed)")
	folder := flags.String("folder", "", "with one definition a YAML file (needed)")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx := context.Background()
	core, err := coreTypes(ctx, kube)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(*folder, "*.yaml"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := apply(ctx, client, core, file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

func apply(ctx context.Context, client dynamic.Interface, core types, file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var definition map[string]any
	if err := yaml.Unmarshal(content, &definition); err != nil {
		return err
	}
	filled, err := core.fill(definition)
	if err != nil {
		return err
	}
	object := &unstructured.Unstructured{Object: filled.(map[string]any)}
	_, err = client.Resource(definitions).Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: "cluster", Force: true})
	return err
}

// types are the schemas of the core API by their short names.
type types map[string]map[string]any

func coreTypes(ctx context.Context, kube kubernetes.Interface) (types, error) {
	content, err := kube.Discovery().RESTClient().Get().AbsPath("/openapi/v3/api/v1").SetHeader("Accept", "application/json").DoRaw(ctx)
	if err != nil {
		return nil, err
	}
	var document struct {
		Components struct {
			Schemas map[string]map[string]any `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(content, &document); err != nil {
		return nil, err
	}
	core := types{}
	for name, definition := range document.Components.Schemas {
		core[name[lastDot(name)+1:]] = definition
	}
	return core, nil
}

func lastDot(name string) int {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '.' || name[i] == '/' {
			return i
		}
	}
	return -1
}

// fill replaces every {$ref: NAME} in a definition.
func (t types) fill(node any) (any, error) {
	switch value := node.(type) {
	case map[string]any:
		if name, ok := value["$ref"].(string); ok {
			return t.structural(name)
		}
		for key, child := range value {
			filled, err := t.fill(child)
			if err != nil {
				return nil, err
			}
			value[key] = filled
		}
	case []any:
		for i, child := range value {
			filled, err := t.fill(child)
			if err != nil {
				return nil, err
			}
			value[i] = filled
		}
	}
	return node, nil
}

// structural returns a core type as custom resource definitions want schemas: without references,
// descriptions and defaults, and with the types that are a string or a number in their form.
func (t types) structural(name string) (map[string]any, error) {
	switch name {
	case "IntOrString", "Quantity":
		return map[string]any{"x-kubernetes-int-or-string": true}, nil
	case "Time", "MicroTime":
		return map[string]any{"type": "string", "format": "date-time", "nullable": true}, nil
	case "FieldsV1":
		return map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}, nil
	}
	definition, known := t[name]
	if !known {
		return nil, fmt.Errorf("the API server has no type %q", name)
	}
	return t.plain(definition)
}

func (t types) plain(definition map[string]any) (map[string]any, error) {
	if reference := referenceOf(definition); reference != "" {
		return t.structural(reference)
	}
	schema := map[string]any{}
	for _, key := range []string{"type", "format", "required", "enum"} {
		if value, there := definition[key]; there {
			schema[key] = value
		}
	}
	if schema["format"] == "byte" { // as the API server has it for Secrets
		delete(schema, "format")
	}
	for _, key := range []string{"items", "additionalProperties"} {
		child, there := definition[key].(map[string]any)
		if !there {
			continue
		}
		filled, err := t.plain(child)
		if err != nil {
			return nil, err
		}
		schema[key] = filled
	}
	properties, there := definition["properties"].(map[string]any)
	if !there {
		return schema, nil
	}
	filled := map[string]any{}
	for name, child := range properties {
		property, err := t.plain(child.(map[string]any))
		if err != nil {
			return nil, err
		}
		filled[name] = property
	}
	schema["properties"] = filled
	return schema, nil
}

// referenceOf returns the short name that a schema refers to, directly or by allOf with one element.
func referenceOf(definition map[string]any) string {
	if reference, ok := definition["$ref"].(string); ok {
		return reference[lastDot(reference)+1:]
	}
	all, ok := definition["allOf"].([]any)
	if !ok || len(all) != 1 {
		return ""
	}
	reference, _ := all[0].(map[string]any)["$ref"].(string)
	return reference[lastDot(reference)+1:]
}
