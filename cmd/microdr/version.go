package main

import (
	"runtime"
	"runtime/debug"

	"github.com/baremetaldevx86/microdr/scene"
	"github.com/spf13/cobra"
)

type version struct {
	Event    string `json:"event"`
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Format   int    `json:"format"` // of scene files
}

func versionCommand(a *app) *cobra.Command {
	return a.command(cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
	}, func(*cobra.Command, []string) error {
		v := currentVersion()
		if a.json {
			return a.writeJSON(v)
		}
		text := "microdr " + v.Version
		if v.Revision != "" {
			text += " " + v.Revision
		}
		if v.Modified {
			text += " (modified)"
		}
		return a.printf("%s, %s %s, scene format %d\n", text, v.Go, v.Platform, v.Format)
	})
}

// currentVersion is what the Go command wrote into the binary.
func currentVersion() version {
	v := version{Event: "version", Version: "(devel)", Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH, Format: scene.Version}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value[:min(len(s.Value), 12)]
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}
