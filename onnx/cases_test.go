package onnx

import (
	"context"
	"os"
	"testing"

	"github.com/baremetaldevx86/microdr/tensor"
)

// data is where Debian's package libonnx-testdata puts its cases.
const data = "/usr/share/libonnx-testdata/data/"

// suites are the folders of cases, and how many of each pass; a change must not lose one.
var suites = []struct {
	folder string
	passed int
}{
	{"node", 918},
	{"simple", 21},
	{"pytorch-operator", 35},
	{"pytorch-converted", 82},
}

func TestCases(t *testing.T) {
	for _, suite := range suites {
		t.Run(suite.folder, func(t *testing.T) { checkSuite(t, suite.folder, suite.passed, Options{}) })
	}
}

// TestCasesLazily runs the cases again, with all that depends on floats computed on lazy tensors.
func TestCasesLazily(t *testing.T) {
	for _, suite := range suites {
		t.Run(suite.folder, func(t *testing.T) {
			engine := tensor.Open(tensor.Options{})
			defer engine.Close()
			checkSuite(t, suite.folder, suite.passed, Options{Engine: engine})
		})
	}
}

func checkSuite(t *testing.T, folder string, atLeast int, o Options) {
	if _, err := os.Stat(data + folder); err != nil {
		t.Skip("the test data of ONNX (Debian's package libonnx-testdata) is not installed")
	}
	cases, err := Cases(data + folder)
	if err != nil {
		t.Fatal(err)
	}
	var results []Result
	passed := 0
	CheckAll(context.Background(), cases, o, func(r Result) bool {
		results = append(results, r)
		if r.Verdict == Passed {
			passed++
		} else if testing.Verbose() {
			t.Logf("%s: %v", r.Case.Name, r.Err)
		}
		return true
	})
	for _, tally := range Count(results) {
		if testing.Verbose() && tally.Failed+tally.Unsupported > 0 {
			t.Logf("%-20s passed %3d, failed %3d, unsupported %3d",
				tally.Operator, tally.Passed, tally.Failed, tally.Unsupported)
		}
	}
	t.Logf("%s: %d of %d cases passed", folder, passed, len(cases))
	if passed < atLeast {
		t.Errorf("%s: %d cases passed, expected %d or more (run with -v for those that did not)", folder, passed, atLeast)
	}
}
