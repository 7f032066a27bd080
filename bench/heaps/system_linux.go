package heaps

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// tellsResident says whether the system tells how much memory of its own a process holds.
const tellsResident = true

// readOps maps a file of operations, so that it is none of the process's own memory.
func readOps(name string) ([]op, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("heaps: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("heaps: %w", err)
	}
	b, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("heaps: mapping %s: %w", name, err)
	}
	return opsOf(b), nil
}

// A gauge tells how much memory of its own this process holds: RssAnon of proc_pid_status(5), which leaves mapped files
// out. Reading it allocates nothing.
type gauge struct {
	status *os.File
	text   [1 << 12]byte
}

func openGauge() (*gauge, error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return nil, fmt.Errorf("heaps: %w", err)
	}
	return &gauge{status: f}, nil
}

func (g *gauge) close() { g.status.Close() }

func (g *gauge) resident() (int64, error) {
	n, err := unix.Pread(int(g.status.Fd()), g.text[:], 0)
	if err != nil {
		return 0, fmt.Errorf("heaps: /proc/self/status: %w", err)
	}
	_, rest, found := bytes.Cut(g.text[:n], []byte("\nRssAnon:"))
	kB, _, ends := bytes.Cut(bytes.TrimLeft(rest, " \t"), []byte(" kB"))
	k, err := strconv.ParseInt(string(kB), 10, 64)
	if !found || !ends || err != nil {
		return 0, errors.New("heaps: /proc/self/status tells no RssAnon")
	}
	return k << 10, nil
}

// freeMemory returns how much memory new work may take, in bytes; 0 where the system does not tell.
func freeMemory() int64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(text, []byte("MemAvailable:"))
	kB, _, _ := bytes.Cut(bytes.TrimLeft(rest, " "), []byte(" kB"))
	k, err := strconv.ParseInt(string(kB), 10, 64)
	if err != nil {
		return 0
	}
	return k << 10
}
