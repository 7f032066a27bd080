package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// program is the command as `go build` makes it.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		folder, err := os.MkdirTemp("", "microdr-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(folder)
		program = filepath.Join(folder, "microdr")
		if runtime.GOOS == "windows" {
			program += ".exe"
		}
		build := exec.Command("go", "build", "-o", program, ".")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// outcome is what a run of the command left behind.
type outcome struct {
	code           int
	stdout, stderr string
}

// runIn runs the command in a folder.
func runIn(t *testing.T, folder string, args ...string) outcome {
	t.Helper()
	return runCommand(t, command(folder, args...))
}

func command(folder string, args ...string) *exec.Cmd {
	c := exec.Command(program, args...)
	c.Dir = folder
	return c
}

func runCommand(t *testing.T, c *exec.Cmd) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if c.Stdout == nil {
		c.Stdout = &stdout
	}
	c.Stderr = &stderr
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{c.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// row is one run of the command and what it has to come to.
type row struct {
	name  string
	args  string // split at spaces; $ROOT is the root of the repository
	files map[string]string
	code  int
	out   []string // parts of stdout
	err   []string // parts of stderr
	left  []string // files beside the given ones that are there afterwards
}

func (r row) run(t *testing.T) {
	folder := t.TempDir()
	for name, text := range r.files {
		write(t, filepath.Join(folder, name), text)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Fields(strings.ReplaceAll(r.args, "$ROOT", filepath.ToSlash(root)))
	got := runIn(t, folder, args...)
	if got.code != r.code {
		t.Errorf("exit code %d, want %d", got.code, r.code)
	}
	wantParts(t, "stdout", got.stdout, r.out)
	wantParts(t, "stderr", got.stderr, r.err)
	for _, name := range r.left {
		r.files[name] = ""
	}
	wantFiles(t, folder, r.files)
	if t.Failed() {
		t.Logf("microdr %s\nstdout:\n%s\nstderr:\n%s", strings.Join(args, " "), got.stdout, got.stderr)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func wantParts(t *testing.T, stream, text string, parts []string) {
	t.Helper()
	if parts == nil && text != "" {
		t.Errorf("%s: got %q, want nothing", stream, text)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s: does not contain %q", stream, part)
		}
	}
}

// wantFiles checks that folder holds just the files named by want, at any
// depth, and no folder without any.
func wantFiles(t *testing.T, folder string, want map[string]string) {
	t.Helper()
	seen := map[string]bool{}
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(folder, path)
		name = filepath.ToSlash(name)
		if d.IsDir() {
			if entries, err := os.ReadDir(path); err == nil && len(entries) == 0 && path != folder {
				t.Errorf("the empty folder %s was left behind", name)
			}
			return nil
		}
		seen[name] = true
		if _, ok := want[name]; !ok {
			t.Errorf("the file %s was left behind", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range want {
		if !seen[name] {
			t.Errorf("the file %s is missing", name)
		}
	}
}

func TestCommandLine(t *testing.T) {
	rows := []row{
		{name: "help", args: "help", code: 0, out: []string{"Exit codes:", "print results as JSON", "schema", "version", "completion"}},
		{name: "no command", args: "", code: 0, out: []string{"Usage:"}},
		{name: "unknown command", args: "rendr", code: 2, err: []string{`unknown command "rendr"`, "--help"}},
		{name: "unknown flag", args: "version --loud", code: 2, err: []string{"unknown flag: --loud"}},
		{name: "argument too many", args: "schema x", code: 2, err: []string{`unknown command "x"`}},
		{name: "version", args: "version", code: 0, out: []string{"microdr ", runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}},
		{name: "version as JSON", args: "version --json", code: 0, out: []string{`{"event":"version","version":`, `"format":1}`}},
		{name: "error as JSON", args: "version --json --loud", code: 2, out: []string{`"event":"error"`, `"code":2`}, err: []string{"unknown flag"}},
		{name: "completion", args: "completion bash", code: 0, out: []string{"__start_microdr"}},
	}
	for _, r := range rows {
		t.Run(r.name, r.run)
	}
}

func TestSchemaIsJSON(t *testing.T) {
	got := runIn(t, t.TempDir(), "schema")
	var schema map[string]any
	if err := json.Unmarshal([]byte(got.stdout), &schema); err != nil || got.code != 0 {
		t.Fatalf("exit code %d, %v", got.code, err)
	}
	if schema["$schema"] == nil || schema["properties"] == nil {
		t.Errorf("got keys %v, want $schema and properties", schema)
	}
}
