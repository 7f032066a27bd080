package scene

import "testing"

func TestX(t *testing.T) {
	s, err := Load("testdata/sphere.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range Uniforms(s) {
		t.Log(u)
	}
	v, err := NewVector(s)
	t.Log(v.Names(), err, v.Physical(), s.Paths())
	t.Log(v.JacobianPhys())
	t.Log(v.PhysicalJacobian())
	_, err = Parse("x.yaml", []byte("microdr: 1\ncamera: {resolution: [48,.nan], fov: 200}\nobjects: {a: {union: {of: [b]}, material: rde}, b: {difference: {of: [a]}}, c: {sfere: {}}}\nmaterials: {red: {diffuse: {albedo: 1}}}\nfit: {parameters: [{path: red.albdo}]}\n"))
	t.Log("\n", err)
}
