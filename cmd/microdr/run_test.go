package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/baremetaldevx86/microdr/fit"
)

func TestRenderAndGrad(t *testing.T) {
	files := func() map[string]string { return map[string]string{"s.yaml": smallScene("a.png")} }
	rows := []row{
		{name: "render", args: "render s.yaml -o out.png", files: files(), out: []string{"out.png: 8x8, view photo"}, left: []string{"out.png"}},
		{name: "render a PFM at half size", args: "render s.yaml -o out.pfm --scale 2 --start", files: files(), out: []string{"out.pfm: 4x4"}, left: []string{"out.pfm"}},
		{name: "render as JSON", args: "render s.yaml -o out.png --json", files: files(), out: []string{`{"event":"result","image":"out.png","view":"photo","width":8,"height":8,`}, left: []string{"out.png"}},
		{name: "render without output", args: "render s.yaml", files: files(), code: 2, err: []string{`required flag(s) "output" not set`}},
		{name: "render a JPEG", args: "render s.yaml -o out.jpg", files: files(), code: 2, err: []string{"out.jpg: expected a name ending in .png or .pfm"}},
		{name: "render a GIF", args: "render s.yaml -o a.gif", files: files(), code: 2, err: []string{"microdr: a.gif: expected a name ending in .png or .pfm\n"}},
		{name: "render nothing", args: "render s.yaml -o out.png", files: map[string]string{"s.yaml": "microdr: 1\ncamera: {resolution: [8, 8], fov: 40}\n"},
			out: []string{"out.png: 8x8"}, err: []string{"s.yaml: the scene has no objects\n"}, left: []string{"out.png"}},
		{name: "render with workers below zero", args: "render s.yaml -o out.png --workers -1", files: files(), code: 2, err: []string{"--workers: expected 0 or more"}},
		{name: "grad with workers below zero", args: "grad s.yaml --check --workers -1", files: files(), code: 2, err: []string{"--workers: expected 0 or more"}},
		{name: "render an unknown view", args: "render s.yaml -o out.png --view left", files: files(), code: 2, err: []string{`no view "left"`, `"photo"`}},
		{name: "render with 9 bits", args: "render s.yaml -o out.png --bits 9", files: files(), code: 2, err: []string{"--bits"}},
		{name: "render start and truth", args: "render s.yaml -o out.png --start --truth", files: files(), code: 2, err: []string{"start", "truth"}},
		{name: "render over a folder", args: "render s.yaml -o d.png", files: map[string]string{"s.yaml": smallScene("a.png"), "d.png/x": ""}, code: 4, err: []string{"d.png", "regular file"}},
		{name: "grad", args: "grad s.yaml --param ball.center -o out.png", files: files(), out: []string{"out.png: ball.center.x | ball.center.y | ball.center.z, view photo, red +"}, left: []string{"out.png"}},
		{name: "grad by one number", args: "grad s.yaml --param ball.radius -o out.pfm --json", files: files(), out: []string{`"names":["ball.radius"]`, `"width":8`}, left: []string{"out.pfm"}},
		{name: "grad by an unknown path", args: "grad s.yaml --param ball.centre -o out.png", files: files(), code: 3, err: []string{"ball.centre", `did you mean "ball.center"?`}},
		{name: "grad by nothing", args: "grad s.yaml", files: files(), code: 2, err: []string{"param check"}},
		{name: "grad without output", args: "grad s.yaml --param ball.radius", files: files(), code: 2, err: []string{"--output"}},
		{name: "grad check with output", args: "grad s.yaml --check -o out.png", files: files(), code: 2, err: []string{"--output"}},
		{name: "grad check with two seeds", args: "grad s.yaml --check --seeds 2", files: files(), code: 2, err: []string{"--seeds"}},
	}
	for _, r := range rows {
		t.Run(r.name, r.run)
	}
}

// movingScene is the small scene with a ball that moves; the truth is known.
func movingScene() string {
	text := strings.Replace(small, ", image: IMAGE", "", 1)
	text = strings.Replace(text, "resolution: [8, 8]", "resolution: [16, 16]", 1)
	return strings.Replace(text, "[{path: red.albedo, start: [0.5, 0.5, 0.5]}]",
		"[{path: red.albedo, start: [0.5, 0.5, 0.5], truth: [0.8, 0.3, 0.3]}, {path: ball.center.x, start: 0.05, truth: 0}]", 1)
}

func TestGradCheck(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "s.yaml"), movingScene())
	got := runIn(t, folder, "grad", "s.yaml", "--check", "--seeds", "8", "--samples", "144", "--json")
	var check struct {
		Event string
		OK    bool
		Rows  []struct {
			Name, Verdict       string
			Reverse, Difference float64
		}
	}
	if err := json.Unmarshal([]byte(got.stdout), &check); err != nil || got.code != 0 || !check.OK || len(check.Rows) != 4 {
		t.Fatalf("exit code %d, %v, %s%s", got.code, err, got.stdout, got.stderr)
	}
	for _, r := range check.Rows {
		if r.Verdict != "agrees" {
			t.Errorf("%s: %s", r.Name, r.Verdict)
		}
	}
}

// TestFit follows one fit from the first line of JSON to the run folder, and
// starts again from what it wrote.
func TestFit(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "s.yaml"), movingScene())
	got := runIn(t, folder, "fit", "s.yaml", "-o", "a/run", "--json")
	if got.code != 0 {
		t.Fatalf("exit code %d: %s", got.code, got.stderr)
	}
	lines := strings.Split(strings.TrimSpace(got.stdout), "\n")
	for _, line := range lines[:len(lines)-1] {
		if !strings.HasPrefix(line, `{"event":"step","iteration":`) {
			t.Errorf("got the line %s, want a step", line)
		}
	}
	checkResult(t, lines[len(lines)-1], 0.02)
	checkRunFolder(t, filepath.Join(folder, "a", "run"))
	again := runIn(t, folder, "fit", "a/run", "-o", "b", "--json")
	if again.code != 0 {
		t.Fatalf("again: exit code %d: %s", again.code, again.stderr)
	}
	lines = strings.Split(strings.TrimSpace(again.stdout), "\n")
	checkResult(t, lines[len(lines)-1], 0.02)
}

type resultLine struct {
	Event, Reason string
	Params        []struct {
		Path                 string
		Value, Stderr, Truth []*float64
	}
	Undetermined []map[string]float64
}

func checkResult(t *testing.T, line string, within float64) {
	t.Helper()
	var r resultLine
	if err := json.Unmarshal([]byte(line), &r); err != nil || r.Event != "result" || len(r.Params) == 0 || r.Undetermined == nil {
		t.Fatalf("%v: %s", err, line)
	}
	for _, p := range r.Params {
		for i, x := range p.Value {
			if off := *x - *p.Truth[i]; off > within || off < -within {
				t.Errorf("%s: %g, want %g", p.Path, *x, *p.Truth[i])
			}
		}
	}
}

func checkRunFolder(t *testing.T, folder string) {
	t.Helper()
	want := map[string]string{}
	for _, name := range []string{"scene.yaml", "metrics.jsonl", "report.html", "photo-start.png", "photo-end.png", "photo-target.png", "photo-difference.png"} {
		want[name] = ""
	}
	wantFiles(t, folder, want)
	for name := range want {
		data, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil || len(data) == 0 {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		} else if strings.HasSuffix(name, ".png") {
			if _, err := png.Decode(bytes.NewReader(data)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestWorkersDoNotMatter: the same bytes with 1 and 3 goroutines.
func TestWorkersDoNotMatter(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "s.yaml"), movingScene())
	var scenes [2][]byte
	for i, workers := range []string{"1", "3"} {
		run := filepath.Join(folder, workers)
		if got := runIn(t, folder, "fit", "s.yaml", "-o", run, "--workers", workers); got.code != 0 {
			t.Fatalf("exit code %d: %s", got.code, got.stderr)
		}
		var err error
		if scenes[i], err = os.ReadFile(filepath.Join(run, "scene.yaml")); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(scenes[0], scenes[1]) {
		t.Errorf("one worker fits\n%s\nthree fit\n%s", scenes[0], scenes[1])
	}
}

// TestInterrupt interrupts a fit after its first step: it ends with its code,
// a result and a complete run folder.
func TestInterrupt(t *testing.T) {
	folder := t.TempDir()
	text := strings.Replace(movingScene(), "[16, 16]", "[64, 64]", 1) + "  optimizer: {adam: {iterations: 1000000, tolerance: 0}}\n"
	write(t, filepath.Join(folder, "s.yaml"), text)
	c := command(folder, "fit", "s.yaml", "-o", "run", "--json")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	pipe, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(time.Minute, func() { c.Process.Kill() }).Stop()
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, 1<<20)
	last, signalled := "", false
	for lines.Scan() {
		last = lines.Text()
		if !signalled && strings.Contains(last, `"event":"step"`) {
			signalled = true
			if err := c.Process.Signal(os.Interrupt); err != nil {
				c.Process.Kill()
				t.Skip("no interrupts here: ", err)
			}
		}
	}
	c.Wait()
	if code := c.ProcessState.ExitCode(); code != exitInterrupted {
		t.Errorf("exit code %d, want %d", code, exitInterrupted)
	}
	if !strings.Contains(last, `"event":"result"`) || !strings.Contains(last, `"reason":"cancelled"`) {
		t.Errorf("the last line is %s, want a result that says cancelled", last)
	}
	if words := strings.Split(strings.TrimSpace(stderr.String()), "\n"); words[len(words)-1] != "interrupted" {
		t.Errorf("stderr ends with %q, want interrupted", words[len(words)-1])
	}
	checkRunFolder(t, filepath.Join(folder, "run"))
}

// TestClosingLine: the last line of progress says whether the fit ended itself.
func TestClosingLine(t *testing.T) {
	rows := []struct{ reason, want string }{
		{"decrease", "done after 7 iterations"},
		{"cancelled", "stopped after 7 iterations"},
	}
	for _, r := range rows {
		if got := describe(fit.Event{Kind: fit.ResultEvent, Result: &fit.Result{Reason: r.reason, Iterations: 7}}); !strings.HasPrefix(got, r.want) {
			t.Errorf("%s: got %q, want %q", r.reason, got, r.want)
		}
	}
}
