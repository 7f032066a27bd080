package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/baremetaldevx86/microdr/mem/study"
)

const lab = "a 0 512\na 1 128\nr 0 640\nf 1\nf 0\n"

// cut is a recording that ends within its third record.
const cut = "MDRMEM\x01\n" + "\x00\x00" + "\x01\x04\x64" + "\x01\x04"

func TestMemReplay(t *testing.T) {
	for _, r := range []row{
		{name: "table", args: "mem replay lab.rep --rounds 2", files: map[string]string{"lab.rep": lab},
			out: []string{"5 operations on 2 blocks, at most 768 B live", "policy  ", "bump", "list", "buddy", "tlsf", "classes"}},
		{name: "one policy, plot", args: "mem replay lab.rep --rounds 1 --policy tlsf,list --plot heap.png", files: map[string]string{"lab.rep": lab},
			out: []string{"tlsf", "list"}, left: []string{"heap.png"}},
		{name: "svg", args: "mem replay lab.rep --rounds 1 --policy buddy --plot heap.svg", files: map[string]string{"lab.rep": lab},
			out: []string{"buddy"}, left: []string{"heap.svg"}},
		{name: "out of memory", args: "mem replay lab.rep --rounds 1 --limit 1 --policy list", files: map[string]string{"lab.rep": "a 0 100\na 1 9000000\n"},
			out: []string{"list stopped early: operation 2:", "out of memory"}},
		{name: "bad line", args: "mem replay lab.rep", files: map[string]string{"lab.rep": "a 0 512\nf 7\n"}, code: exitInput,
			err: []string{"lab.rep", "line 2, column 3: block 7 is not allocated"}},
		{name: "cut off", args: "mem replay cut.trace --rounds 1 --policy tlsf", files: map[string]string{"cut.trace": cut},
			out: []string{"1 operations on 1 blocks"}, err: []string{"cut.trace: byte 13: the recording is cut off here; 1 operations before that are used"}},
		{name: "not even whole", args: "mem replay cut.trace", files: map[string]string{"cut.trace": cut[:7]}, code: exitInput, err: []string{"cut.trace: study: byte 0: expected a recording of version 1"}},
		{name: "no file", args: "mem replay none", code: exitInput, err: []string{"none"}},
		{name: "no such policy", args: "mem replay lab.rep --policy worst", files: map[string]string{"lab.rep": lab}, code: exitUsage,
			err: []string{`no policy "worst", expected of all, bump, list`}},
		{name: "plot format", args: "mem replay lab.rep --plot heap.gif", files: map[string]string{"lab.rep": lab}, code: exitUsage, err: []string{"expected .png or .svg"}},
		{name: "plot folder", args: "mem replay lab.rep --rounds 1 --policy list --plot no/heap.png", files: map[string]string{"lab.rep": lab}, code: exitOutput,
			out: []string{"5 operations on 2 blocks", "list"}, err: []string{"no/heap.png"}},
		{name: "rounds", args: "mem replay lab.rep --rounds 0", files: map[string]string{"lab.rep": lab}, code: exitUsage, err: []string{"--rounds: expected 1 or more"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			if r.files == nil {
				r.files = map[string]string{}
			}
			r.run(t)
		})
	}
}

// TestMemTrace records a rendering and plays it, and then a command that fails.
func TestMemTrace(t *testing.T) {
	folder := t.TempDir()
	trace := filepath.Join(folder, "render.trace")
	scene, err := filepath.Abs("../../examples/sphere")
	if err != nil {
		t.Fatal(err)
	}
	c := command(folder, "render", scene, "-o", "image.png")
	c.Env = append(os.Environ(), "MICRODR_MEMTRACE="+trace)
	if got := runCommand(t, c); got.code != exitOK {
		t.Fatalf("render: %+v", got)
	}
	got := runIn(t, folder, "mem", "replay", trace, "--rounds", "1", "--json", "-q")
	var results []study.Result
	if err := json.Unmarshal([]byte(got.stdout), &results); err != nil || got.code != exitOK {
		t.Fatalf("replay: %v, %+v", err, got)
	}
	if len(results) != len(study.Kinds()) {
		t.Errorf("%d results", len(results))
	}
	for _, r := range results {
		if r.Failed != "" || r.Ops < 5 || r.PeakLive < 1000 {
			t.Errorf("%+v", r)
		}
	}
	failing := command(folder, "render", "nothing", "-o", "nothing.png")
	failing.Env = append(os.Environ(), "MICRODR_MEMTRACE="+filepath.Join(folder, "failed.trace"))
	if got := runCommand(t, failing); got.code != exitInput {
		t.Errorf("render of nothing: %+v", got)
	}
	nowhere := command(folder, "render", scene, "-o", "other.png")
	nowhere.Env = append(os.Environ(), "MICRODR_MEMTRACE="+filepath.Join(folder, "no", "trace"))
	if got := runCommand(t, nowhere); got.code != exitOutput || !strings.Contains(got.stderr, "MICRODR_MEMTRACE") {
		t.Errorf("a trace that cannot be written: %+v", got)
	}
	wantFiles(t, folder, map[string]string{"render.trace": "", "failed.trace": "", "image.png": ""})
}

// TestMemTop looks at a fit that is under way, by the number of its process and by its folder, until it is stopped.
func TestMemTop(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("interrupts cannot be sent")
	}
	folder := t.TempDir()
	scene, err := filepath.Abs("../../examples/table")
	if err != nil {
		t.Fatal(err)
	}
	environment := append(os.Environ(), "XDG_RUNTIME_DIR="+folder)
	look := func(args ...string) outcome {
		c := command(folder, append([]string{"mem", "top"}, args...)...)
		c.Env = environment
		return runCommand(t, c)
	}
	if got := look(); got.code != exitOK || !strings.Contains(got.stdout, "no microdr is running") {
		t.Errorf("nothing runs: %+v", got)
	}
	fit := exec.Command(program, "fit", scene, "-o", "run", "-q")
	fit.Dir, fit.Env = folder, environment
	if err := fit.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		fit.Process.Signal(os.Interrupt)
		fit.Wait()
		if left, _ := filepath.Glob(filepath.Join(folder, "microdr", "*")); left != nil {
			t.Errorf("left behind: %v", left)
		}
		if got := look("run"); got.code != exitInput {
			t.Errorf("a run that has ended: %+v", got)
		}
	}()
	var got outcome
	for range 200 {
		if got = look("run", "--count", "1", "--json"); got.code == exitOK && strings.Contains(got.stdout, `"buffers"`) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	var s snapshot
	if err := json.Unmarshal([]byte(got.stdout), &s); err != nil || s.PID != fit.Process.Pid {
		t.Fatalf("%v: %+v", err, got)
	}
	if got := look(); !strings.Contains(got.stdout, "-o run") {
		t.Errorf("list: %+v", got)
	}
	got = look("run", "--count", "2", "--interval", "10ms", "--classes")
	wantParts(t, "stdout", got.stdout, []string{"process ", "buffers", "heap", "temporaries", "arena", "code", "page faults", "by size class"})
	for args, code := range map[string]int{"999999999": exitInput, "nowhere": exitInput, "1 --interval 0s": exitUsage, "1 2": exitUsage} {
		if got := look(strings.Fields(args)...); got.code != code {
			t.Errorf("mem top %s: %+v", args, got)
		}
	}
}
