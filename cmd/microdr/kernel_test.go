package main

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/kernel"
)

func TestKernelCommandLine(t *testing.T) {
	scene := func() map[string]string { return map[string]string{"s.yaml": smallScene("a.png")} }
	still := map[string]string{"s.yaml": smallScene("a.png")[:strings.Index(small, "fit:")]}
	rows := []row{
		{name: "program for the portable executor", args: "kernel s.yaml --backend eval", files: scene(),
			out: []string{"s.yaml, view photo, mode image, eval: the portable executor\n", "\nmodule image\nuniform ", "\nmap search [64 4] {\n",
				"  store record %", "No machine code: the portable executor runs it.\n", "reduce image (image.samples) -> (image)", "lowering  compiling"}},
		{name: "one stage", args: "kernel s.yaml --stage image --backend eval", files: scene(), out: []string{"---- image: reduce, in Go ----"}},
		{name: "cover", args: "kernel s.yaml --mode cover --summary --backend eval", files: scene(), out: []string{"cover     eval     64"}},
		{name: "JSON of the summary", args: "kernel s.yaml --summary --json --backend eval", files: scene(),
			out: []string{`{"event":"stage","stage":"search","kind":"map","lanes":256,"nodes":`, `{"event":"result","view":"photo","mode":"image","backend":"eval",`}},
		{name: "unknown mode", args: "kernel s.yaml --mode backward", files: scene(), code: 2, err: []string{`no mode "backward"`, `"jacobian"`}},
		{name: "unknown stage", args: "kernel s.yaml --stage shade", files: scene(), code: 2, err: []string{`no stage "shade" in mode image`, `["search" "radiance" "image"]`}},
		{name: "unknown stage to profile", args: "kernel s.yaml --stage shade --profile", files: scene(), code: 2, err: []string{`no stage "shade"`}},
		{name: "unknown view", args: "kernel s.yaml --view left", files: scene(), code: 2, err: []string{`no view "left"`, `"photo"`}},
		{name: "unknown backend", args: "kernel s.yaml --backend cuda", files: scene(), code: 2, err: []string{`no backend "cuda"`, "avx512"}},
		{name: "no rounds", args: "kernel s.yaml --profile --rounds 0", files: scene(), code: 2, err: []string{"--rounds: expected 1 or more"}},
		{name: "rounds of nothing", args: "kernel s.yaml --rounds 3", files: scene(), code: 2, err: []string{"--rounds belongs to --profile"}},
		{name: "profile and summary", args: "kernel s.yaml --profile --summary", files: scene(), code: 2, err: []string{"profile", "summary"}},
		{name: "nothing to differentiate by", args: "kernel s.yaml --mode reverse", files: still, code: 2, err: []string{"fit.parameters", "expected image or cover"}},
		{name: "no scene", args: "kernel s.yaml", code: 3, err: []string{"s.yaml", "no such file"}},
		{name: "values per pixel alone", args: "kernel $ROOT/examples/buddha --mode forward", code: 2, err: []string{"per pixel", "jacobian"}},
		{name: "Jacobian by values per pixel", args: "kernel $ROOT/examples/buddha --mode jacobian --summary", out: []string{"mode jacobian", "radiance"}},
	}
	for _, r := range rows {
		t.Run(r.name, r.run)
	}
}

// needMachineCode skips where programs don't become machine code.
func needMachineCode(t *testing.T) kernel.Backend {
	t.Helper()
	best := kernel.Backends()[0]
	if best == kernel.Eval {
		t.Skip("no machine code here")
	}
	return best
}

// on runs the command on a backend, whatever the environment says.
func on(t *testing.T, b kernel.Backend, args ...string) outcome {
	t.Helper()
	got := runIn(t, "../..", append([]string{"kernel", "examples/sphere", "--backend", string(b)}, args...)...)
	if got.code != 0 || got.stderr != "" {
		t.Fatalf("exit code %d: %s", got.code, got.stderr)
	}
	return got
}

// TestKernelListing: the text has the program, its machine code under the lines that it stems from, and the table.
func TestKernelListing(t *testing.T) {
	best := needMachineCode(t)
	text := on(t, best).stdout
	for _, part := range []string{
		`(?m)^map search \[768 64\] \{$`,
		`(?m)^---- search: map, 49152 lanes a run ----$`,
		`(?m)^` + string(best) + `: \d+ instructions, \d+ bytes, \d+ lanes at a time$`,
		`(?m)^%\d+ = mul f32 %\d+ %\d+\n +[0-9a-f]+  (62|c5|c4)( [0-9a-f]{2})+ +vmulps [yz]mm\d+, [yz]mm\d+, `,
		`(?m)^store record %\d+ %\d+\n( .*\n)*? .* vmovups `,
		`(?m)^%\d+ = loop max 512, its states\n( .*\n)+L\d+:\n`, // its head
		`(?m)^once a launch:\n\(control\)\n`,
		`(?m)^ +search +` + string(best) + ` +49152( +\d+){9} +[\d.]+ [um]s +[\d.]+ [um]s$`,
		`(?m)^ +image +reduce`,
	} {
		if !regexp.MustCompile(part).MatchString(text) {
			t.Errorf("the listing has nothing like %s", part)
		}
	}
	for _, m := range regexp.MustCompile(`(?m) j[a-z]+ (L\d+)$`).FindAllStringSubmatch(text, -1) {
		if !strings.Contains(text, "\n"+m[1]+":\n") {
			t.Errorf("%s has no place", m[1])
		}
	}
	if t.Failed() {
		t.Logf("%.6000s\n...\n%s", text, text[max(0, len(text)-2000):])
	}
}

func TestKernelJSON(t *testing.T) {
	best := needMachineCode(t)
	var names []string
	lines := strings.Split(strings.TrimSpace(on(t, best, "--json", "--mode", "jacobian").stdout), "\n")
	for _, line := range lines[:len(lines)-1] {
		var s stageLine
		if err := json.Unmarshal([]byte(line), &s); err != nil || s.Event != "stage" || s.Program == "" {
			t.Fatalf("%v: %.200s", err, line)
		}
		names = append(names, s.Kind+" "+s.Stage)
		if s.Kind != "map" {
			continue
		}
		n, bytes := 0, 0
		for _, p := range append(s.Code.Lanes, s.Code.Once...) {
			for _, in := range p.Instructions {
				if bytes += len(in.Bytes) / 2; in.Label == "" {
					n++
				}
			}
		}
		if n == 0 || n != s.Code.Instructions || bytes != s.Code.Bytes || s.Nodes == 0 || s.Compile <= 0 {
			t.Errorf("%s: %d instructions and %d bytes listed of %d and %d", s.Stage, n, bytes, s.Code.Instructions, s.Code.Bytes)
		}
	}
	if got := strings.Join(names, ", "); got != "map search, map radiance, reduce image, reduce jacobian" {
		t.Errorf("the stages are %s", got)
	}
	var end listingEnd
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &end); err != nil || end.Event != "result" || end.Backend != string(best) {
		t.Errorf("the last line is %.200s", lines[len(lines)-1])
	}
}

// TestKernelProfile: every stage has its time; on a machine with machine code, fractions of peaks too.
func TestKernelProfile(t *testing.T) {
	best := kernel.Backends()[0]
	text := on(t, best, "--profile", "--rounds", "1", "-q").stdout
	number := `[\d.]+`
	share := " +" + number + " %"
	if best == kernel.Eval {
		share = " +-"
	}
	for _, stage := range []string{"search +map", "radiance +map", "image +reduce"} {
		line := `(?m)^ +` + stage + ` +` + number + ` ms +` + number + ` % +\d+ +` + number + ` M( +` + number + `){3}` + share + `( +` + number + `){2}` + share + `$`
		if !regexp.MustCompile(line).MatchString(text) {
			t.Errorf("no line of %s", stage)
		}
	}
	for _, part := range []string{"view from-front, mode image: 48x48 pixels", "(the rest)", "median of 1 round\n", "worker"} {
		if !strings.Contains(text, part) {
			t.Errorf("the profile has no %q", part)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// TestKernelProfileModes runs each mode, on the portable executor, which does the same iterations.
func TestKernelProfileModes(t *testing.T) {
	folder := t.TempDir()
	write(t, folder+"/s.yaml", smallScene("a.png"))
	for _, mode := range []string{"forward", "reverse", "jacobian", "cover"} {
		got := runIn(t, folder, "kernel", "s.yaml", "--profile", "--rounds", "1", "--mode", mode, "--json", "--backend", "eval")
		lines := strings.Split(strings.TrimSpace(got.stdout), "\n")
		for _, line := range lines[:len(lines)-1] {
			var s stageTime
			if err := json.Unmarshal([]byte(line), &s); err != nil || !(s.Seconds > 0) || s.Lanes == 0 || !(s.Flops > 0) || !(s.Bytes > 0) {
				t.Errorf("%s: %v: %s", mode, err, line)
			}
		}
		var end profileEnd
		err := json.Unmarshal([]byte(lines[len(lines)-1]), &end)
		if err != nil || got.code != 0 || end.Event != "result" || end.Mode != mode || end.Backend != "eval" || !(end.Seconds > 0) {
			t.Errorf("%s: exit code %d, %v: %s%s", mode, got.code, err, lines[len(lines)-1], got.stderr)
		}
	}
}

// TestKernelEnvironment: MICRODR_BACKEND counts where no flag names a backend.
func TestKernelEnvironment(t *testing.T) {
	c := exec.Command(program, "kernel", "examples/sphere", "--summary")
	c.Dir = "../.."
	c.Env = append(c.Environ(), "MICRODR_BACKEND=eval")
	if got := runCommand(t, c); got.code != 0 || !strings.Contains(got.stdout, "mode image, eval: the portable executor\n") {
		t.Errorf("exit code %d: %s%s", got.code, got.stdout, got.stderr)
	}
}
