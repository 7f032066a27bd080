//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// fitInputs writes a scene and its image to a new folder.
func fitInputs(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	write(t, filepath.Join(folder, "s.yaml"), smallScene("a.png"))
	write(t, filepath.Join(folder, "a.png"), pngFile(8, 8))
	return folder
}

// outputs are commands that write to the folder out.
var outputs = []struct{ name, args, wants string }{
	{"fit", "fit s.yaml -o out/run", "out/run"},
	{"fit into the folder itself", "fit s.yaml -o out", "out"},
	{"render", "render s.yaml -o out/a.png", "out/a.png"},
	{"grad", "grad s.yaml --param red.albedo.r -o out/a.png", "out/a.png"},
}

func TestReadOnlyOutput(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Log("root writes everywhere: running the command as nobody")
	}
	for _, o := range outputs {
		t.Run(o.name, func(t *testing.T) {
			folder := fitInputs(t)
			out := filepath.Join(folder, "out")
			if err := os.Mkdir(out, 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(out, 0o555); err != nil {
				t.Fatal(err)
			}
			c := command(folder, strings.Fields(o.args)...)
			if os.Geteuid() == 0 {
				dropRoot(t, c)
			}
			got := runCommand(t, c)
			checkOutputError(t, got, out, o.wants, "permission denied")
		})
	}
}

// dropRoot lets a command run as nobody, who can read what it needs.
func dropRoot(t *testing.T, c *exec.Cmd) {
	t.Helper()
	for _, path := range []string{c.Dir, filepath.Dir(program)} {
		for path != os.TempDir() && path != "/" {
			if err := os.Chmod(path, 0o755); err != nil {
				t.Fatal(err)
			}
			path = filepath.Dir(path)
		}
	}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if err := exec.Command(program).Run(); err != nil {
		t.Fatal(err)
	}
}

func checkOutputError(t *testing.T, got outcome, folder, wants, cause string) {
	t.Helper()
	if got.code != exitOutput {
		t.Errorf("exit code %d, want %d", got.code, exitOutput)
	}
	wantParts(t, "stderr", got.stderr, []string{wants, cause})
	wantFiles(t, folder, nil)
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", got.stdout, got.stderr)
	}
}

// TestFullDisk runs the command with its output on a tmpfs that has no room.
// The tmpfs is mounted in a namespace of the test's own.
func TestFullDisk(t *testing.T) {
	probe := exec.Command("unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=4k none /mnt")
	if text, err := probe.CombinedOutput(); err != nil {
		t.Skipf("no tmpfs can be mounted here: %v: %s", err, text)
	}
	for _, o := range outputs {
		t.Run(o.name, func(t *testing.T) {
			folder := fitInputs(t)
			if err := os.Mkdir(filepath.Join(folder, "out"), 0o777); err != nil {
				t.Fatal(err)
			}
			// One page of the disk is left, which the folder's own files may take;
			// what the command leaves behind is copied out of the namespace.
			script := `mount -t tmpfs -o size=8k none out && head -c 8192 /dev/zero >out/.fill 2>/dev/null
"$0" "$@"; code=$?; rm out/.fill; cp -r out left; exit $code`
			c := exec.Command("unshare", append([]string{"-rm", "sh", "-c", script, program}, strings.Fields(o.args)...)...)
			c.Dir = folder
			got := runCommand(t, c)
			checkOutputError(t, got, filepath.Join(folder, "left"), o.wants, "no space left")
		})
	}
}

// TestFullStdout: what stdout does not take is an error, too.
func TestFullStdout(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	for _, args := range []string{"schema", "version", "version --json"} {
		c := command(t.TempDir(), strings.Fields(args)...)
		c.Stdout = full
		got := runCommand(t, c)
		if got.code != exitOutput || !strings.Contains(got.stderr, "no space left") {
			t.Errorf("%s: exit code %d, stderr %q; want %d and no space left", args, got.code, got.stderr, exitOutput)
		}
	}
}
