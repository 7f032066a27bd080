package main

import "github.com/spf13/cobra"

func memCommand(a *app) *cobra.Command {
	c := a.command(cobra.Command{
		Use:   "mem",
		Short: "Look at memory: of a running microdr, of recordings, beside other allocators",
		Long: `Look at how memory is managed.

Any command records its allocations to a file if MICRODR_MEMTRACE names one. With
MICRODR_MEMDEBUG set to anything, mistakes in the use of memory end it with the
stacks of all who were involved, and what was never freed is listed at its end.`,
		Args: cobra.NoArgs,
	}, func(c *cobra.Command, _ []string) error { return c.Help() })
	c.AddCommand(memReplayCommand(a), memTopCommand(a), memBenchCommand(a), memPeerCommand(a))
	return c
}
