package format

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

// cases is where Debian's package libonnx-testdata puts its models.
const cases = "/usr/share/libonnx-testdata/data/"

// TestModelsRoundTrip writes the models of ONNX's test data and reads them again.
func TestModelsRoundTrip(t *testing.T) {
	paths, err := filepath.Glob(cases + "*/*/model.onnx")
	if err != nil || len(paths) == 0 {
		t.Skip("the test data of ONNX (Debian's package libonnx-testdata) is not installed")
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Parse(data)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		again, err := Parse(m.Encode())
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("%s: what was written reads as another model (%v)", path, err)
		}
	}
}

// FuzzParse holds for any bytes: no panic, and a model that is read is the same after it was written.
func FuzzParse(f *testing.F) {
	f.Add(full().Encode())
	f.Add([]byte{0x3a, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data)
		if err != nil {
			return
		}
		first := m.Encode()
		again, err := Parse(first)
		if err != nil {
			t.Fatalf("what was written does not read: %v", err)
		}
		if !bytes.Equal(again.Encode(), first) {
			t.Fatal("what was written reads as another model")
		}
		for p := range m.tensors() {
			checkArray(t, p)
		}
	})
}

// FuzzTensor decodes elements, which must not take more memory than the bytes that they come from allow.
func FuzzTensor(f *testing.F) {
	f.Add((&Tensor{Type: ndarray.Float32, Shape: []int64{2}, Floats: []float32{1, 2}}).Encode())
	f.Add(TensorOf("t", ndarray.Vector[int16](1, 2, 3)).Encode())
	f.Add(TensorOf("t", ndarray.Vector("a", "b")).Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParseTensor(data)
		if err != nil {
			return
		}
		if a := checkArray(t, p); a != nil && a.Len() > len(data) {
			t.Fatalf("%d bytes gave %v", len(data), a)
		}
		if s, err := ParseSequence(data); err == nil {
			s.Encode()
		}
		if o, err := ParseOptional(data); err == nil {
			o.Encode()
		}
	})
}

// checkArray returns the elements, nil if there are none, and checks that they stay the same.
func checkArray(t *testing.T, p *Tensor) *ndarray.Array {
	a, err := p.Array()
	if err != nil {
		return nil
	}
	again, err := TensorOf(p.Name, a).Array()
	if err != nil || !bytes.Equal(TensorOf("", again).Encode(), TensorOf("", a).Encode()) {
		t.Fatalf("%v became %v, %v", a, again, err)
	}
	return a
}
