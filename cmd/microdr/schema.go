package main

import (
	"github.com/baremetaldevx86/microdr/scene"
	"github.com/spf13/cobra"
)

func schemaCommand(a *app) *cobra.Command {
	var markdown bool
	c := a.command(cobra.Command{
		Use:   "schema",
		Short: "Print the JSON schema of scene files",
		Long: `Print the JSON schema (draft 2020-12) of scene files. Editors that know it
complete keys and mark mistakes: save it as scene.schema.json and begin a scene
with the line

  # yaml-language-server: $schema=scene.schema.json`,
		Args: cobra.NoArgs,
	}, func(*cobra.Command, []string) error {
		if markdown {
			return a.printf("%s\n", trimNewline(scene.Reference()))
		}
		return a.printf("%s\n", trimNewline(scene.Schema()))
	})
	c.Flags().BoolVar(&markdown, "markdown", false, "the same for people, as Markdown")
	return c
}

func trimNewline(text []byte) []byte {
	for len(text) > 0 && text[len(text)-1] == '\n' {
		text = text[:len(text)-1]
	}
	return text
}
