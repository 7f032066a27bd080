package main

import "github.com/spf13/cobra"

func memCommand(a *app) *cobra.Command {
	c := a.command(cobra.Command{
		Use:   "mem",
		Short: "Measure the memory allocators",
		Args:  cobra.NoArgs,
	}, func(c *cobra.Command, _ []string) error { return c.Help() })
	c.AddCommand(memBenchCommand(a), memPeerCommand(a))
	return c
}
