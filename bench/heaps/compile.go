package heaps

import (
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed c/*.c c/*.h
var sources embed.FS

// library is an allocator that the driver in C is linked to.
type library struct {
	peer  string
	file  string   // how the name of its file begins
	flags []string // of the compiler
}

func libraries() []library {
	return []library{
		{"glibc", "libc.so", nil},
		{"jemalloc", "libjemalloc", []string{"-Wl,--no-as-needed", "-ljemalloc"}},
		{"mimalloc", "libmimalloc", []string{"-Wl,--no-as-needed", "-lmimalloc"}},
		{"floor in C", "libc.so", []string{"-DFLOOR"}},
	}
}

// compileDrivers compiles the driver once for each library and returns the programs by the names of the peers. What is
// missing is told to warn: without a compiler all of them, or a library.
func compileDrivers(ctx context.Context, folder string, warn func(string)) (map[string]string, error) {
	gcc, err := exec.LookPath("gcc")
	if err != nil || !tellsResident {
		warn("heaps: no gcc, or not Linux: left out: the peers in C")
		return nil, nil
	}
	if err := os.CopyFS(folder, sources); err != nil {
		return nil, fmt.Errorf("heaps: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "c", "*.c"))
	if err != nil {
		return nil, fmt.Errorf("heaps: %w", err)
	}
	programs := map[string]string{}
	for _, l := range libraries() {
		program := filepath.Join(folder, strings.ReplaceAll(l.peer, " ", "-")+".exe")
		args := append([]string{"-std=gnu11", "-O2", "-pthread", fmt.Sprintf("-DLIBRARY=%q", l.file), "-o", program}, files...)
		out, err := exec.CommandContext(ctx, gcc, append(args, l.flags...)...).CombinedOutput()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			warn(fmt.Sprintf("heaps: left out: %s: gcc: %v: %s", l.peer, err, lines[0]))
			continue
		}
		programs[l.peer] = program
	}
	return programs, nil
}
