package resources

import (
	"encoding/json"
	"testing"
)

const document = `{
  "Pod": {"type": "object", "description": "a pod", "required": ["name"], "properties": {
    "name": {"type": "string", "default": "", "description": "its name"},
    "port": {"allOf": [{"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.util.intstr.IntOrString"}], "default": 80},
    "limits": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.api.resource.Quantity"}},
    "since": {"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.Time"},
    "owners": {"type": "array", "x-kubernetes-list-type": "map", "items": {"allOf": [{"$ref": "#/components/schemas/io.k8s.api.core.v1.Owner"}]}}}},
  "Owner": {"type": "object", "properties": {"uid": {"type": "string", "format": "byte"}}}
}`

func TestFillInlinesTypesAsStructuralSchemas(t *testing.T) {
	core := types{}
	if err := json.Unmarshal([]byte(document), &core); err != nil {
		t.Fatal(err)
	}
	filled, err := core.fill(map[string]any{"template": map[string]any{"$ref": "Pod"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(filled)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"template":{"properties":{` +
		`"limits":{"additionalProperties":{"x-kubernetes-int-or-string":true},"type":"object"},` +
		`"name":{"type":"string"},` +
		`"owners":{"items":{"properties":{"uid":{"type":"string"}},"type":"object"},"type":"array"},` +
		`"port":{"x-kubernetes-int-or-string":true},` +
		`"since":{"format":"date-time","nullable":true,"type":"string"}},` +
		`"required":["name"],"type":"object"}}`
	if string(got) != want {
		t.Errorf("the schema is\n%s\nwant\n%s", got, want)
	}
}

func TestFillNamesATypeThatIsNotThere(t *testing.T) {
	_, err := types{}.fill(map[string]any{"$ref": "PodTemplateSpek"})
	if err == nil || err.Error() != `the API server has no type "PodTemplateSpek"` {
		t.Errorf("the error is %v", err)
	}
}
