package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/baremetaldevx86/microdr/onnx"
	"github.com/baremetaldevx86/microdr/tensor"
	"github.com/spf13/cobra"
)

type onnxCheckOptions struct {
	plain, all bool
	seed       uint64
}

func onnxCheckCommand(a *app) *cobra.Command {
	var o onnxCheckOptions
	c := a.command(cobra.Command{
		Use:   "check FOLDER",
		Short: "Run test cases of ONNX and compare",
		Long: `Run the test cases in FOLDER, each a folder with model.onnx and test_data_set_N (or
FOLDER is one itself), and compare what comes out as ONNX's own runner does: to a
relative 1e-3 and an absolute 1e-7. The table has a line for each operator that
not all cases pass of, or for all with --all; the cases that do not pass follow.
If there are any, the exit code is 1.

With --json the result is {"event":"check","passed","failed","unsupported",
"operators":[{"operator","passed","failed","unsupported"}],"cases":[{"case","verdict","error"}]},
where the cases are those that do not pass.`,
		Example: "  microdr onnx check /usr/share/libonnx-testdata/data/node",
		Args:    cobra.ExactArgs(1),
	}, func(c *cobra.Command, args []string) error { return a.onnxCheck(c.Context(), args[0], o) })
	c.Flags().BoolVar(&o.all, "all", false, "list operators that all cases pass of, too")
	a.onnxFlags(c, &o.plain, &o.seed)
	return c
}

func (a *app) onnxCheck(ctx context.Context, folder string, o onnxCheckOptions) error {
	if err := a.checkWorkers(); err != nil {
		return err
	}
	cases, err := onnx.Cases(folder)
	if err != nil {
		return inputError{err}
	}
	run := onnx.Options{Seed: o.seed}
	if !o.plain {
		run.Engine = tensor.Open(tensor.Options{Workers: a.workers, Memory: a.watched("")})
		defer run.Engine.Close()
	}
	p := newProgress(a.stderr, a.quiet)
	var results []onnx.Result
	onnx.CheckAll(ctx, cases, run, func(r onnx.Result) bool {
		results = append(results, r)
		p.show(fmt.Sprintf("%d of %d cases", len(results), len(cases)), false)
		return true
	})
	p.clear()
	if err := ctx.Err(); err != nil {
		return err
	}
	return a.printOnnxCheck(results, o.all)
}

// onnxTally is what the JSON result has of an operator, and of all.
type onnxTally struct {
	Operator    string `json:"operator,omitempty"`
	Passed      int    `json:"passed"`
	Failed      int    `json:"failed"`
	Unsupported int    `json:"unsupported"`
}

type onnxCase struct {
	Case    string `json:"case"`
	Verdict string `json:"verdict"`
	Error   string `json:"error"`
}

func (a *app) printOnnxCheck(results []onnx.Result, all bool) error {
	var total onnxTally
	var rows []onnxTally
	for _, t := range onnx.Count(results) {
		total.Passed, total.Failed, total.Unsupported =
			total.Passed+t.Passed, total.Failed+t.Failed, total.Unsupported+t.Unsupported
		if all || a.json || t.Failed+t.Unsupported > 0 {
			rows = append(rows, onnxTally(t))
		}
	}
	cases := []onnxCase{}
	for _, r := range results {
		if r.Verdict != onnx.Passed {
			cases = append(cases, onnxCase{r.Case.Name, r.Verdict.String(), r.Err.Error()})
		}
	}
	var err error
	if a.json {
		a.finished = true
		err = a.writeJSON(struct {
			Event string `json:"event"`
			onnxTally
			Operators []onnxTally `json:"operators"`
			Cases     []onnxCase  `json:"cases"`
		}{"check", total, rows, cases})
	} else {
		err = a.writeOnnxCheck(total, rows, cases)
	}
	if err == nil && len(cases) > 0 {
		return silentError{errors.New("not all cases passed")}
	}
	return err
}

func (a *app) writeOnnxCheck(total onnxTally, rows []onnxTally, cases []onnxCase) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "operator\tpassed\tfailed\tunsupported")
	total.Operator = "all"
	for _, t := range append(rows, total) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\n", t.Operator, t.Passed, t.Failed, t.Unsupported)
	}
	if err := w.Flush(); err != nil {
		return outputError{err}
	}
	for _, c := range cases {
		if err := a.printf("%s, %s: %s\n", c.Verdict, c.Case, c.Error); err != nil {
			return err
		}
	}
	return nil
}
