package main

import "github.com/spf13/cobra"

func onnxCommand(a *app) *cobra.Command {
	c := a.command(cobra.Command{
		Use:   "onnx",
		Short: "Run ONNX models, and check this program with ONNX's test data",
		Args:  cobra.NoArgs,
	}, func(c *cobra.Command, _ []string) error { return c.Help() })
	c.AddCommand(onnxRunCommand(a), onnxCheckCommand(a))
	return c
}

// onnxFlags are those of all commands that run models.
func (a *app) onnxFlags(c *cobra.Command, plain *bool, seed *uint64) {
	f := c.Flags()
	f.BoolVar(plain, "plain", false, "compute everything by plain loops, not with the engine of tensors")
	f.Uint64Var(seed, "seed", 0, "seed of random operators that have none of their own")
	f.IntVar(&a.workers, "workers", 0, "goroutines that compute; 0: one per processor (no effect on results)")
}
