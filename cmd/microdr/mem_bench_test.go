package main

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

func TestMemBenchCommandLine(t *testing.T) {
	rows := []row{
		{name: "no rounds", args: "mem bench --rounds 0", code: 2, err: []string{"--rounds"}},
		{name: "no operations", args: "mem bench --operations 0", code: 2, err: []string{"--operations"}},
		{name: "unknown row", args: "mem bench --only tow", code: 2, err: []string{`no such row: "tow"`, `"two workers jemalloc"`}},
		{name: "arena", args: "mem bench --only arena --rounds 1 --operations 20000", code: 0,
			out: []string{"baseline", "arena bar"}, err: []string{"measuring arena of ours"}},
		{name: "peers are hidden", args: "mem", code: 0, out: []string{"bench "}},
		{name: "unknown peer", args: "mem bench-peer", code: 2, err: []string{"accepts 1 arg"}},
	}
	for _, r := range rows {
		t.Run(r.name, r.run)
	}
	if got := runIn(t, t.TempDir(), "mem", "--help"); strings.Contains(got.stdout, "bench-peer") {
		t.Errorf("the peers' command is listed:\n%s", got.stdout)
	}
}

// TestMemBench runs all that takes no great memory, and looks at the array.
func TestMemBench(t *testing.T) {
	got := runIn(t, t.TempDir(), "mem", "bench", "--operations", "20000", "--rounds", "1", "--decay", "100ms", "--json", "-q",
		"--only", "one worker,two,producer,lifo,fifo,latency,memory,freed,arena")
	if got.code != 0 {
		t.Fatalf("exit code %d: %s", got.code, got.stderr)
	}
	var lines []struct {
		Name           string
		Ours, Baseline float64
		Unit           string
	}
	if err := json.Unmarshal([]byte(got.stdout), &lines); err != nil {
		t.Fatalf("%v: %s", err, got.stdout)
	}
	names := map[string]bool{}
	for _, l := range lines {
		names[l.Name] = true
		if l.Unit == "ns/op" && !(l.Ours > 0 && l.Baseline > 0) {
			t.Errorf("%+v: want a time", l)
		}
	}
	want := []string{"one worker modernc", "one worker floor", "two workers sync.Pool", "two over one bar", "fifo Go make", "arena bar"}
	if _, err := exec.LookPath("gcc"); err == nil {
		want = append(want, "one worker glibc", "two workers glibc", "one worker floor in C")
	}
	for _, name := range want {
		if !names[name] {
			t.Errorf("no row %q; stderr: %s", name, got.stderr)
		}
	}
}
