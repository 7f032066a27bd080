package bench

import (
	"bufio"
	"os"
	"runtime"
	"strings"

	"github.com/baremetaldevx86/microdr/kernel"
)

// Peaks are what the machine can do at most, by lane programs of ours that do nothing else.
type Peaks struct {
	Backend kernel.Backend // the best one: peaks are the machine's, whatever runs the rest
	Workers int
	OneFMA  float64 // operations on floats a second, by one worker
	FMA     float64 // by all workers
	One     float64 // bytes a second of a triad, by one worker
	Bytes   float64 // by all workers
}

const (
	gaugeLanes = 1 << 16
	triadLanes = 1 << 24
)

// TriadMemory is how many bytes the triad's arrays have, all three: more than the caches of most machines.
const TriadMemory = triadLanes * triadBytes

// gauges measure the peaks: in order multiply-adds by one worker and by all, and a triad by one worker and by all.
type gauges struct {
	workers int
	backend kernel.Backend
	jobs    []*job
}

// openGauges prepares the programs, on the best backend there is. Without machine code there are none: what the portable
// executor reaches says nothing of the machine.
func openGauges(workers int) (*gauges, error) {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	g := &gauges{workers: workers, backend: kernel.Backends()[0]}
	if g.backend == kernel.Eval {
		return g, nil
	}
	for _, q := range []*problem{peak(gaugeLanes), triad(triadLanes)} {
		for _, n := range []int{1, workers} {
			j, err := q.open(kernel.Options{Workers: n, Backend: g.backend})
			if err != nil {
				g.close()
				return nil, err
			}
			g.jobs = append(g.jobs, j)
		}
	}
	return g, nil
}

func (g *gauges) close() {
	for _, j := range g.jobs {
		j.close()
	}
}

func (g *gauges) sides() []Side {
	var sides []Side
	for _, j := range g.jobs {
		sides = append(sides, j.run)
	}
	return sides
}

// peaks returns the peaks, from the times of the sides.
func (g *gauges) peaks(t []Series) *Peaks {
	if len(t) == 0 {
		return nil
	}
	flops, bytes := float64(gaugeLanes*peakFlops), float64(TriadMemory)
	return &Peaks{Backend: g.backend, Workers: g.workers, OneFMA: flops / t[0].Median(), FMA: flops / t[1].Median(),
		One: bytes / t[2].Median(), Bytes: bytes / t[3].Median()}
}

// CPU returns the name of the processor, "" where the system does not tell.
func CPU() string {
	f, err := os.Open("/proc/cpuinfo") // Linux
	if err != nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
