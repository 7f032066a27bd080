package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/baremetaldevx86/microdr/philox"
)

// smallDigits writes the four files of MNIST to a folder, with n and n/2 images of 6x6 in which the row or the column of the
// class is bright.
func smallDigits(t *testing.T, folder string, n int) {
	t.Helper()
	r := philox.Random{Key: 3}
	for _, set := range []struct {
		name string
		n    int
	}{{"train", n}, {"t10k", n / 2}} {
		images := idxHeader(set.n, 6, 6)
		labels := idxHeader(set.n)
		for range set.n {
			class := r.Below(10)
			labels = append(labels, byte(class))
			for y := range 6 {
				for x := range 6 {
					bright := class < 5 && y == class || class >= 5 && x == class-5
					pixel := byte(r.Below(100))
					if bright {
						pixel += 150
					}
					images = append(images, pixel)
				}
			}
		}
		write(t, filepath.Join(folder, set.name+"-images-idx3-ubyte"), string(images))
		write(t, filepath.Join(folder, set.name+"-labels-idx1-ubyte"), string(labels))
	}
}

func idxHeader(shape ...int) []byte {
	out := []byte{0, 0, 8, byte(len(shape))}
	for _, d := range shape {
		out = binary.BigEndian.AppendUint32(out, uint32(d))
	}
	return out
}

const smallModel = `layers:
  - flatten
  - linear: {out: 16, start: he-uniform}
  - batchnorm
  - relu
  - dropout: 0.1
  - linear: 10
training: {epochs: 3, batch: 16, rate: 0.02, schedule: constant}
`

func TestTrainCommandLine(t *testing.T) {
	results := []string{"r/best.safetensors", "r/last.safetensors", "r/metrics.jsonl", "r/report.html", "r/confusion.png",
		"r/misclassified.png"}
	for _, r := range []row{
		{name: "help", args: "train", code: 0, out: []string{"mnist", "xor"}},
		{name: "xor", args: "train xor -o r -q", code: 0, files: map[string]string{}, left: results,
			out: []string{"xor: 42 parameters, 10 epochs", "test accuracy 100.00 %", filepath.Join("r", "report.html")}},
		{name: "xor as JSON", args: "train xor -o r -q --json", code: 0, files: map[string]string{}, left: results,
			out: []string{`{"event":"plan","parameters":42,"bytes":`, `{"event":"epoch","epoch":1,`,
				`{"event":"result","model":"xor",`, `"test_accuracy":1,`}},
		{name: "memory", args: "train xor -o r --epochs 1", code: 0, files: map[string]string{}, left: results,
			out: []string{"report"}, err: []string{"42 parameters, one step needs ", " KiB\n"}},
		{name: "no data", args: "train mnist --data d -o r", code: 3, err: []string{"run: scripts/get-mnist d"}},
		{name: "unknown model", args: "train xor -m rnn", code: 2, err: []string{`no model "rnn", expected one of`}},
		{name: "unknown optimizer", args: "train xor --optimizer fast", code: 2, err: []string{"expected one of sgd,"}},
		{name: "negative", args: "train xor --epochs -1", code: 2, err: []string{"expected 0 or more"}},
		{name: "no file", args: "train xor -m m.yaml", code: 3, err: []string{"recipe: expected a readable file"}},
		{name: "mistake", args: "train xor -m m.yaml", code: 3, files: map[string]string{"m.yaml": "layers:\n  - liner: 3\n"},
			err: []string{`recipe: m.yaml:2:5: unknown layer "liner"`}},
		{name: "misfit", args: "train xor -m m.yaml -o r", code: 3,
			files: map[string]string{"m.yaml": "layers:\n  - flatten\n  - linear: 3\n"},
			err:   []string{"recipe: m.yaml:3:5: the model gives [batch [3]], expected [batch 2]"}},
		{name: "nothing to resume", args: "train xor -o r --resume", code: 3, err: []string{"last.safetensors"}},
		{name: "unknown set", args: "train mnst", code: 2, err: []string{`unknown command "mnst" for "microdr train"`}},
		{name: "workers", args: "train xor --workers -3", code: 2, err: []string{"--workers: expected 0 or more"}},
		{name: "seed", args: "train xor --seed -1", code: 2,
			err: []string{`"-1" for "--seed" flag: expected a whole number from 0 to`}},
		{name: "two ways", args: "train xor --resume --overwrite", code: 2, err: []string{"--resume and --overwrite"}},
		{name: "no layers", args: "train xor -m m.yaml", code: 3, files: map[string]string{"m.yaml": "layers: []\n"},
			err: []string{"m.yaml:1:9: the list of layers is empty"}},
		{name: "a run", args: "train xor -o r", code: 2, files: map[string]string{"r/metrics.jsonl": ""},
			err: []string{"r holds a run (metrics.jsonl)", "--resume", "another folder for --out", "--overwrite"}},
		{name: "a run that is replaced", args: "train xor -o r --overwrite -q --epochs 1", code: 0, out: []string{"report"},
			files: map[string]string{"r/note": ""}, left: results},
		{name: "shifted too far", args: "train xor -m m.yaml -o a/b", code: 3, err: []string{"data: "},
			files: map[string]string{"m.yaml": "layers: [flatten, linear: 2]\ntraining: {shift: 1000}\n"}},
		{name: "lost at once", args: "train xor -m m.yaml -o a/b", code: 1, err: []string{"expected a finite one"},
			files: map[string]string{"m.yaml": "layers: [flatten, linear: 2]\n" +
				"training: {optimizer: sgd, rate: 1000000, schedule: constant, batch: 2, clip: 0, decay: 1e30}\n"}},
		{name: "lost in one step", args: "train xor -m m.yaml -o r", code: 1, err: []string{"epoch 2: the test loss is "},
			left: []string{"r/best.safetensors", "r/last.safetensors", "r/metrics.jsonl"},
			files: map[string]string{"m.yaml": "layers: [flatten, linear: 2]\n" +
				"training: {optimizer: sgd, rate: 1000000, schedule: constant, batch: 128, decay: 1e30}\n"}},
	} {
		t.Run(r.name, r.run)
	}
}

// TestTrainBits: the number of workers changes no bit, and neither does a stop, whose exit code is that of an interrupt.
func TestTrainBits(t *testing.T) {
	folder := t.TempDir()
	smallDigits(t, folder, 300)
	write(t, filepath.Join(folder, "m.yaml"), smallModel)
	args := func(more ...string) []string {
		return append([]string{"train", "mnist", "--data", ".", "--model", "m.yaml", "--json", "-q"}, more...)
	}
	last := map[string]string{}
	for _, workers := range []string{"1", "2"} {
		got := runIn(t, folder, args("--workers", workers, "-o", "w"+workers)...)
		if got.code != 0 {
			t.Fatalf("exit code %d\n%s", got.code, got.stderr)
		}
		last[workers] = readText(t, filepath.Join(folder, "w"+workers, "last.safetensors"))
		wantAccuracy(t, got.stdout, 0.9)
	}
	if last["1"] != last["2"] {
		t.Error("one worker and two give different weights")
	}
	if !interruptTraining(t, folder, args("-o", "s", "--epochs", "2000")) {
		return
	}
	done := strings.Count(readText(t, filepath.Join(folder, "s", "metrics.jsonl")), "\n")
	epochs := strconv.Itoa(done + 2)
	for _, a := range [][]string{args("-o", "s", "--resume", "--epochs", epochs), args("-o", "straight", "--epochs", epochs)} {
		if got := runIn(t, folder, a...); got.code != 0 {
			t.Fatalf("%v: exit code %d\n%s", a, got.code, got.stderr)
		}
	}
	for _, name := range []string{"last.safetensors", "best.safetensors", "metrics.jsonl"} {
		if readText(t, filepath.Join(folder, "s", name)) != readText(t, filepath.Join(folder, "straight", name)) {
			t.Errorf("%s differs from that of a training without a stop", name)
		}
	}
}

// TestResumeRefuses: what would change the bits is named, and changes nothing.
func TestResumeRefuses(t *testing.T) {
	folder := t.TempDir()
	args := func(model string, more ...string) []string {
		write(t, filepath.Join(folder, "m.yaml"), model)
		return append([]string{"train", "xor", "-m", "m.yaml", "-o", "r", "-q"}, more...)
	}
	model := "layers: [flatten, linear: 4, tanh, dropout: 0.1, linear: 2]\ntraining: {epochs: 2, batch: 16}\n"
	if got := runIn(t, folder, args(model)...); got.code != 0 {
		t.Fatalf("exit code %d\n%s", got.code, got.stderr)
	}
	last := readText(t, filepath.Join(folder, "r", "last.safetensors"))
	for _, row := range []struct {
		old, new, flags, want string
	}{
		{"", "", "--rate 0.1", "rate: 0.1, expected 0.001"},
		{"", "", "--optimizer sgd", "optimizer: sgd, expected adamw"},
		{"", "", "--seed 2", "seed: 2, expected 1"},
		{"", "", "--epochs 3", "epochs: 3, expected 2"},
		{"tanh", "relu", "", "layer 3: relu, expected tanh"},
		{"0.1", "0.2", "", "layer 4: dropout {rate: 0.2}, expected dropout {rate: 0.1}"},
		{"batch", "schedule: constant, batch", "", "schedule: constant, expected one-cycle; epochs: nothing, expected 2"},
		{"batch", "rotate: 5, batch", "", "rotate: 5, expected 0"},
	} {
		changed := strings.Replace(model, row.old, row.new, 1)
		got := runIn(t, folder, args(changed, append(strings.Fields(row.flags), "--resume")...)...)
		if got.code != exitInput || !strings.Contains(got.stderr, row.want) {
			t.Errorf("%s %s: exit code %d, %s, want %s", row.new, row.flags, got.code, got.stderr, row.want)
		}
	}
	if got := runIn(t, folder, args(model, "--resume")...); got.code != 0 {
		t.Errorf("nothing changed: exit code %d\n%s", got.code, got.stderr)
	}
	if readText(t, filepath.Join(folder, "r", "last.safetensors")) != last {
		t.Error("the checkpoint changed")
	}
}

// TestNoFolder: a training that comes to nothing leaves no folder.
func TestNoFolder(t *testing.T) {
	for _, row := range []struct{ flags, training string }{
		{"--resume", ""}, {"", "shift: 1000"}, {"", "optimizer: sgd, rate: 1000000, schedule: constant, decay: 1e30"},
	} {
		folder := t.TempDir()
		write(t, filepath.Join(folder, "m.yaml"), "layers: [flatten, linear: 2]\ntraining: {"+row.training+"}\n")
		args := append([]string{"train", "xor", "-m", "m.yaml", "-o", "a/b", "-q"}, strings.Fields(row.flags)...)
		if got := runIn(t, folder, args...); got.code == 0 {
			t.Errorf("%v: exit code 0", row)
		}
		if _, err := os.Stat(filepath.Join(folder, "a")); err == nil {
			t.Errorf("%v: a folder is left behind", row)
		}
	}
}

// TestOverwrite: a run that is replaced leaves nothing behind, even if the new one comes to nothing.
func TestOverwrite(t *testing.T) {
	folder := t.TempDir()
	args := []string{"train", "xor", "-o", "r", "-q", "--epochs", "1"}
	for _, row := range []struct {
		flag string
		code int
	}{{"--json", 0}, {"--json", exitUsage}, {"--overwrite", 0}, {"--resume", 0}} {
		if got := runIn(t, folder, append(args, row.flag)...); got.code != row.code {
			t.Errorf("%s: exit code %d, want %d\n%s", row.flag, got.code, row.code, got.stderr)
		}
	}
	if page := readText(t, filepath.Join(folder, "r", "report.html")); !strings.Contains(page, "memory for one step") {
		t.Error("the report does not say how much memory a step needs")
	}
	write(t, filepath.Join(folder, "m.yaml"), "layers: [flatten, linear: 2]\ntraining: {shift: 1000}\n")
	if got := runIn(t, folder, "train", "xor", "-m", "m.yaml", "-o", "r", "--overwrite"); got.code == 0 {
		t.Error("a shift of 1000 pixels: exit code 0")
	}
	if _, err := os.Stat(filepath.Join(folder, "r", "last.safetensors")); err != nil {
		t.Errorf("the run is lost to one that could not begin: %v", err)
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wantAccuracy looks at the last line of --json.
func wantAccuracy(t *testing.T, stdout string, least float64) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	var result resultEvent
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &result); err != nil || result.Event != "result" {
		t.Fatalf("the last line is %s", lines[len(lines)-1])
	}
	if result.TestAccuracy < least || result.Epochs != 3 || len(lines) != 5 {
		t.Errorf("%d lines, %+v", len(lines), result)
	}
}

// interruptTraining interrupts a training after its first epoch; false where there are no interrupts.
func interruptTraining(t *testing.T, folder string, args []string) bool {
	t.Helper()
	c := command(folder, args...)
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
	lines, sent := bufio.NewScanner(pipe), false
	for lines.Scan() {
		if !sent && strings.Contains(lines.Text(), `"epoch"`) {
			sent = true
			if err := c.Process.Signal(os.Interrupt); err != nil {
				c.Process.Kill()
				c.Wait()
				return false
			}
		}
	}
	c.Wait()
	if code := c.ProcessState.ExitCode(); code != exitInterrupted || !strings.HasSuffix(stderr.String(), "interrupted\n") {
		t.Errorf("exit code %d, want %d; stderr %q", code, exitInterrupted, stderr.String())
	}
	return true
}
