package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strconv"
	"time"

	"github.com/baremetaldevx86/microdr/mem"
)

// A monitor lets `microdr mem top` look into this process: it listens on a socket that only the user can open, and answers
// every connection with a snapshot. Until somebody looks it costs nothing.
type monitor struct {
	listener net.Listener
	begun    time.Time
	registry *mem.Registry
	folder   string
}

// snapshot is what a process holds at a moment.
type snapshot struct {
	PID      int           `json:"pid"`
	Command  []string      `json:"command"`
	Folder   string        `json:"folder,omitempty"` // of the run
	Seconds  float64       `json:"seconds"`          // since the process began
	Holdings []mem.Holding `json:"holdings"`
	GoHeap   uint64        `json:"go_heap"`  // live bytes in the Go heap
	GoTotal  uint64        `json:"go_total"` // bytes that the Go runtime holds
	Faults   *mem.Faults   `json:"faults,omitempty"`
}

// socketFolder is where processes leave their sockets; no other user may write there.
func socketFolder() (string, error) {
	folder := filepath.Join(os.TempDir(), "microdr-"+strconv.Itoa(os.Getuid()))
	if runtime := os.Getenv("XDG_RUNTIME_DIR"); runtime != "" {
		folder = filepath.Join(runtime, "microdr")
	}
	if err := os.Mkdir(folder, 0o700); err != nil && !os.IsExist(err) {
		return "", err
	}
	info, err := os.Lstat(folder)
	if err != nil {
		return "", err
	}
	if !info.IsDir() || !ownedByUs(info) {
		return "", fmt.Errorf("%s is not a folder that only this user can write to", folder)
	}
	return folder, nil
}

func socketOf(folder string, pid int) string {
	return filepath.Join(folder, strconv.Itoa(pid)+".sock")
}

// startMonitor listens. A process that cannot be looked into works as well as any other, so failing is no error.
func startMonitor(registry *mem.Registry, folder string) *monitor {
	m := &monitor{begun: time.Now(), registry: registry}
	if folder != "" {
		m.folder, _ = filepath.Abs(folder)
	}
	sockets, err := socketFolder()
	if err != nil {
		return m
	}
	path := socketOf(sockets, os.Getpid())
	_ = os.Remove(path) // of a process that had our number and died
	if m.listener, err = net.Listen("unix", path); err == nil {
		go m.serve()
	}
	return m
}

func (m *monitor) serve() {
	for {
		c, err := m.listener.Accept()
		if err != nil {
			return
		}
		c.SetDeadline(time.Now().Add(time.Second))
		json.NewEncoder(c).Encode(m.look())
		c.Close()
	}
}

// close stops listening and removes the socket.
func (m *monitor) close() {
	if m != nil && m.listener != nil {
		m.listener.Close()
	}
}

func (m *monitor) look() snapshot {
	s := snapshot{PID: os.Getpid(), Command: os.Args, Folder: m.folder, Seconds: time.Since(m.begun).Seconds(), Holdings: m.registry.Holdings()}
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}}
	metrics.Read(samples)
	s.GoHeap, s.GoTotal = samples[0].Value.Uint64(), samples[1].Value.Uint64()
	if f, err := mem.CountFaults(); err == nil {
		s.Faults = &f
	}
	return s
}

// lookAt asks a process for a snapshot.
func lookAt(pid int) (*snapshot, error) {
	folder, err := socketFolder()
	if err != nil {
		return nil, err
	}
	c, err := net.DialTimeout("unix", socketOf(folder, pid), time.Second)
	if err != nil {
		return nil, fmt.Errorf("no microdr that can be looked into runs as process %d", pid)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(2 * time.Second))
	var s snapshot
	if err := json.NewDecoder(c).Decode(&s); err != nil {
		return nil, fmt.Errorf("process %d: %w", pid, err)
	}
	return &s, nil
}

// running returns a snapshot of every process that can be looked into, and removes what dead ones left.
func running() ([]*snapshot, error) {
	folder, err := socketFolder()
	if err != nil {
		return nil, err
	}
	sockets, err := filepath.Glob(filepath.Join(folder, "*.sock"))
	if err != nil {
		return nil, err
	}
	var all []*snapshot
	for _, path := range sockets {
		pid, err := strconv.Atoi(filepath.Base(path[:len(path)-len(".sock")]))
		if err != nil {
			continue
		}
		if s, err := lookAt(pid); err == nil {
			all = append(all, s)
		} else if !alive(pid) {
			_ = os.Remove(path)
		}
	}
	return all, nil
}
