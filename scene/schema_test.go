package scene

import (
	"bytes"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("scene.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("scene.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validate(t *testing.T, schema *jsonschema.Schema, text []byte) error {
	var doc any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return schema.Validate(doc)
}

func TestSchemaAcceptsExamples(t *testing.T) {
	schema := compiledSchema(t)
	for _, file := range examples(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, schema, text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if err := validate(t, schema, Print(load(t, file))); err != nil {
			t.Errorf("%s printed: %v", file, err)
		}
	}
	if err := validate(t, schema, []byte(everything)); err != nil {
		t.Error(err)
	}
}

// TestSchemaAndParserRefuse has mistakes that both must find.
func TestSchemaAndParserRefuse(t *testing.T) {
	schema := compiledSchema(t)
	rows := []string{
		"microdr: 1",
		"microdr: 2\ncamera: {resolution: [8, 6], fov: 40}",
		"microdr: 1\ncamera: {resolution: [8, 6]}",
		"microdr: 1\ncamera: {resolution: [8, 6], fov: 40, focal: [1, 1]}",
		"microdr: 1\ncamera: {resolution: [8, 6], fov: 0}",
		"microdr: 1\ncamera: {resolution: [8, 6], fov: 180}",
		"microdr: 1\ncamera: {resolution: [8, 6.5], fov: 40}",
		"microdr: 1\ncamera: {resolution: [8], fov: 40}",
		"microdr: 1\ncameras: {}",
		"microdr: 1\ncameras: {\"a.b\": {resolution: [8, 6], fov: 40}}",
		"microdr: 1\ncamera: {resolution: [8, 6], fov: 40}\ncameras: {a: {resolution: [8, 6], fov: 40}}",
		minimal + "objcts: {}",
		minimal + "background: [1, 2]",
		minimal + "background: -1",
		minimal + "lights: {s: {}}",
		minimal + "lights: {s: {ambient: {irradiance: 1}, point: {position: [0, 0, 0]}}}",
		minimal + "lights: {s: {ambient: {irradiance: 1}, shadows: sotf}}",
		minimal + "lights: {s: {directional: {direction: [0, 0, 0]}}}",
		minimal + "materials: {m: {diffuse: {}}}",
		minimal + "materials: {m: {diffuse: {albedo: {checkerboard: {}}}}}",
		minimal + "views: [{mask: {margin: 1}}]",
		minimal + "views: [{mask: {polygon: [[0, 0], [1, 1]]}}]",
		minimal + "fit: {}",
		minimal + "fit: {parameters: []}",
		minimal + "fit: {parameters: [{}]}",
		minimal + "fit: {parameters: [{path: camera.fov, constraint: sometimes}]}",
		minimal + "fit: {parameters: [{path: camera.fov}], loss: {l2: {}, l1: {}}}",
		minimal + "fit: {parameters: [{path: camera.fov}], starts: {exact: 1}}",
	}
	for _, text := range rows {
		if validate(t, schema, []byte(text)) == nil {
			t.Errorf("the schema accepts\n%s", text)
		}
		if _, err := Parse("t", []byte(text)); err == nil {
			t.Errorf("the parser accepts\n%s", text)
		}
	}
}

// TestTableIsDocumented: every key has a description, every reference a kind.
func TestTableIsDocumented(t *testing.T) {
	for typ, rows := range table {
		for _, f := range rows {
			if f.key != "" && f.doc == "" {
				t.Errorf("%s.%s has no doc", typ.Name(), f.goName)
			}
		}
	}
}
