package heaps

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/baremetaldevx86/microdr/bench"
)

// TestMain makes this program a peer, as Measure starts it.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "peer" {
		if err := Serve(os.Args[2], os.Stdin, os.Stdout); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestSizes holds the sizes to the distribution that is asked for: within each of the three ranges the logarithm is
// uniform.
func TestSizes(t *testing.T) {
	const n = 1_000_000
	rows := []struct{ from, to, part float64 }{
		{16, 32, 0.15}, {32, 512, 0.60}, {512, 1024, 0.15}, // 0.9 over six octaves
		{1024, 4096, 0.036}, {4096, 32768, 0.054}, // 0.09 over five
		{32768, 65536, 0.002}, {65536, 1 << 20, 0.008}, // 0.01 over five
	}
	counts := make([]int, len(rows))
	for i := range n {
		size := float64(opAt(0, i, Slots).size)
		k := slices.IndexFunc(rows, func(r struct{ from, to, part float64 }) bool { return size >= r.from && size < r.to })
		if k < 0 {
			t.Fatalf("operation %d has the size %v", i, size)
		}
		counts[k]++
	}
	for i, r := range rows {
		if off := float64(counts[i])/n - r.part; math.Abs(off) > 5*math.Sqrt(r.part/n) {
			t.Errorf("sizes in [%v, %v): got %d of %d, want %.1f %%", r.from, r.to, counts[i], n, r.part*100)
		}
	}
}

// TestSlots holds the slots to uniformity, and the marks to a tenth, independent of the slot and of the worker.
func TestSlots(t *testing.T) {
	const n, slots = 400_000, 8
	for worker := range 2 {
		var counts, marks [slots]float64
		for i := range n {
			o := opAt(worker, i, slots)
			counts[o.slot&^handed]++
			if o.slot&handed != 0 {
				marks[o.slot&^handed]++
			}
		}
		for slot := range slots {
			if want := n / float64(slots); math.Abs(counts[slot]-want) > 5*math.Sqrt(want) {
				t.Errorf("worker %d: slot %d comes %v times of %d", worker, slot, counts[slot], n)
			}
			if want := counts[slot] * handedPart; math.Abs(marks[slot]-want) > 5*math.Sqrt(want) {
				t.Errorf("worker %d: %v of %v operations on slot %d are marked", worker, marks[slot], counts[slot], slot)
			}
		}
	}
	if opAt(0, 7, slots) == opAt(1, 7, slots) && opAt(0, 8, slots) == opAt(1, 8, slots) {
		t.Error("both workers have the same sequence")
	}
}

func TestWriteSequence(t *testing.T) {
	folder := t.TempDir()
	const slots, operations = 100, 70_000 // more than one chunk
	s, err := writeSequence(folder, 1, slots, operations)
	if err != nil {
		t.Fatal(err)
	}
	ops, err := readOps(sequenceFile(folder, 1))
	if err != nil || len(ops) != slots+operations {
		t.Fatalf("got %d operations, %v", len(ops), err)
	}
	var sizes [slots]int64
	var live, peak int64
	for i, o := range ops {
		want := opAt(1, i, slots)
		if i < slots {
			want.slot = uint32(i)
		}
		if o != want {
			t.Fatalf("operation %d: got %+v, want %+v", i, o, want)
		}
		size := &sizes[o.slot&^handed]
		live += int64(o.size) - *size
		*size = int64(o.size)
		peak = max(peak, live)
	}
	if s.peak != peak || s.live() != live {
		t.Errorf("got a peak of %d and %d live, want %d and %d", s.peak, s.live(), peak, live)
	}
}

// TestLatencyBuckets checks that the buckets cover all times without gap or overlap, and how wide they are.
func TestLatencyBuckets(t *testing.T) {
	next := int64(0)
	for i := range latencyBuckets - 64 {
		from, to := bucketBounds(i)
		if from != next || to <= from {
			t.Fatalf("bucket %d is [%d, %d), and the one before ends at %d", i, from, to, next)
		}
		if bucketOf(from) != i || bucketOf(to-1) != i {
			t.Fatalf("bucket %d is [%d, %d), whose ends are in %d and %d", i, from, to, bucketOf(from), bucketOf(to-1))
		}
		if width := to - from; width > 1 && width*64 > from {
			t.Fatalf("bucket [%d, %d) is too wide", from, to)
		}
		next = to
	}
	if b := bucketOf(math.MaxInt64); b >= latencyBuckets {
		t.Errorf("the longest time is in bucket %d of %d", b, latencyBuckets)
	}
}

func TestLatencyQuantiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var all []float64
	l := new(latencies)
	for range 10_000 {
		ns := int64(math.Exp2(20 * random.Float64()))
		all = append(all, float64(ns))
		l.add(ns)
	}
	slices.Sort(all)
	for _, p := range []float64{0.0001, 0.1, 0.5, 0.9, 0.999, 1} {
		want := all[int(math.Ceil(p*float64(len(all))))-1]
		if got := l.quantile(p); math.Abs(got-want) > want/64 {
			t.Errorf("quantile %v: got %v, want %v", p, got, want)
		}
	}
	if l.add(-3); l.counts[0] != 1 {
		t.Error("a clock that goes back counts as 0 ns")
	}
}

func TestOrders(t *testing.T) {
	o := order{"memory", 20_000, 1500 * time.Millisecond, "/tmp/a folder"}
	if got, err := parseOrder(o.String()); got != o || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, line := range []string{"", "memory", "memory 1 1", "memory x 1 /", "memory 0 1 /", "memory 1 -1 /", "memory 1 x /"} {
		if _, err := parseOrder(line); err == nil {
			t.Errorf("%q: no error", line)
		}
	}
	for _, line := range []string{"dance 1 0 /", "memory", "throughput 10 0 " + t.TempDir()} {
		var out bytes.Buffer
		if err := Serve(Ours, strings.NewReader(line+"\n"), &out); err == nil || out.Len() > 0 {
			t.Errorf("%q: got %q, %v", line, out.String(), err)
		}
	}
	if err := Serve("nobody", strings.NewReader("arena 1 0 /\n"), io.Discard); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("an unknown peer: got %v", err)
	}
	if _, err := parseAnswer("1 2 x\n"); err == nil {
		t.Error("an answer that is no numbers is none")
	}
}

// TestFloor checks that what takes the place of an allocator gives each slot the same place again.
func TestFloor(t *testing.T) {
	folder := t.TempDir()
	const slots = 50
	if _, err := writeSequence(folder, 0, slots, 5000); err != nil {
		t.Fatal(err)
	}
	filling, ops, err := order{n: slots, folder: folder}.sequence(0)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorker(openFixed(slots).workers(1)[0], slots)
	w.fill(filling)
	places := map[unsafe.Pointer]bool{}
	for _, b := range w.slots {
		places[b.p] = true
	}
	before := slices.Clone(w.slots)
	w.replace(ops)
	for i, b := range w.slots {
		if b.p != before[i].p {
			t.Errorf("slot %d has moved", i)
		}
	}
	if len(places) != slots {
		t.Errorf("%d slots have %d places", slots, len(places))
	}
}

// TestLivePages marks the pages of random blocks one by one.
func TestLivePages(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	memory := make([]byte, 400*pageStep)
	marked := map[uintptr]bool{}
	var blocks []block
	for at := 0; ; {
		size := 1 + random.IntN(3*pageStep)
		if random.IntN(3) == 0 {
			size = 1 + random.IntN(100)
		}
		if at+size > len(memory) {
			break
		}
		b := block{unsafe.Pointer(&memory[at]), size}
		if at += size; random.IntN(2) == 0 {
			blocks = append(blocks, block{})
			continue
		}
		blocks = append(blocks, b)
		for i := range size {
			marked[(uintptr(b.p)+uintptr(i))/pageStep] = true
		}
	}
	random.Shuffle(len(blocks), func(i, j int) { blocks[i], blocks[j] = blocks[j], blocks[i] })
	if got := livePages(blocks); got != int64(len(marked)) {
		t.Errorf("got %d pages, want %d", got, len(marked))
	}
}

// TestRing hammers a ring: everything arrives, once and in order.
func TestRing(t *testing.T) {
	const n = 20 * ringSize
	r := new(ring)
	memory := make([]byte, 251)
	go func() {
		for i := 0; i < n; {
			if r.push(block{unsafe.Pointer(&memory[i%len(memory)]), i}) {
				i++
			}
		}
	}()
	for i := 0; i < n; {
		b, ok := r.pop()
		if !ok {
			continue
		}
		if b.size != i || b.p != unsafe.Pointer(&memory[i%len(memory)]) {
			t.Fatalf("block %d: got number %d", i, b.size)
		}
		i++
	}
	if _, ok := r.pop(); ok {
		t.Error("more comes out than went in")
	}
	for i := range ringSize + 1 {
		if got := r.push(block{size: i}); got != (i < ringSize) {
			t.Fatalf("push number %d into a ring of %d: %v", i, ringSize, got)
		}
	}
}

// book is an allocator that knows its blocks, for one worker of several.
type book struct {
	allocator
	live, frees map[unsafe.Pointer]int
}

func (b *book) alloc(size int) block {
	got := b.allocator.alloc(size)
	b.live[got.p]++
	return got
}

func (b *book) free(x block) {
	b.frees[x.p]++
	b.allocator.free(x)
}

// TestWorkersFreeAll checks that of two workers' blocks those that are not in slots at the end were all freed, about a
// tenth of them by the other one.
func TestWorkersFreeAll(t *testing.T) {
	folder := t.TempDir()
	const slots, operations = 64, 30_000
	for w := range 2 {
		if _, err := writeSequence(folder, w, slots, operations); err != nil {
			t.Fatal(err)
		}
	}
	h := &books{}
	o := order{n: slots, folder: folder}
	if _, err := passExchange(h, o); err != nil {
		t.Fatal(err)
	}
	var allocated, freed, remote int
	for i, b := range h.all {
		for _, n := range b.live {
			allocated += n
		}
		for p, n := range b.frees {
			freed += n
			if b.live[p] == 0 && h.all[1-i].live[p] > 0 {
				remote += n
			}
		}
	}
	if on := allocated - freed - 2*slots; on < 0 || on > ringSize { // the last of all may still be in a ring
		t.Errorf("%d allocated, %d freed", allocated, freed)
	}
	if part := float64(remote) / (2 * operations); math.Abs(part-handedPart) > 0.02 {
		t.Errorf("%.1f %% were freed by the other worker", 100*part)
	}
	h = &books{}
	if _, err := passHandover(h, o); err != nil {
		t.Fatal(err)
	}
	if got := len(h.all[1].frees); got != operations || len(h.all[0].frees) != 0 || len(h.all[1].live) != 0 {
		t.Errorf("the consumer freed %d of %d blocks, the producer %d", got, operations, len(h.all[0].frees))
	}
}

// books are Go's allocations, booked; no address comes twice as all stay in the books.
type books struct {
	all     []*book
	settled []int // blocks freed by the first worker at each time
}

func (b *books) settle() { b.settled = append(b.settled, len(b.all[0].frees)) }

func (b *books) workers(n int) []allocator {
	var out []allocator
	for range n {
		b.all = append(b.all, &book{garbage{}, map[unsafe.Pointer]int{}, map[unsafe.Pointer]int{}})
		out = append(out, b.all[len(b.all)-1])
	}
	return out
}

// TestLoopsFreeWhatIsLive runs the loops of one worker on an allocator that knows what is live.
func TestLoopsFreeWhatIsLive(t *testing.T) {
	folder := t.TempDir()
	const slots, operations = 40, 5000
	if _, err := writeSequence(folder, 0, slots, operations); err != nil {
		t.Fatal(err)
	}
	o := order{n: slots, folder: folder}
	for _, pass := range []string{"throughput", "lifo", "fifo", "latency"} {
		h := &books{}
		if _, err := new(server).passes()[pass](h, o); err != nil {
			t.Fatal(err)
		}
		b := h.all[0]
		if len(b.live) != slots+operations || len(b.frees) != operations {
			t.Errorf("%s: %d allocated, %d freed", pass, len(b.live), len(b.frees))
		}
		for p, n := range b.frees {
			if n != 1 || b.live[p] != 1 {
				t.Fatalf("%s: a block is freed %d times", pass, n)
			}
		}
	}
}

func TestTrace(t *testing.T) {
	var tr Trace
	for _, err := range []error{tr.Alloc(7, 100), tr.Alloc(9, 20), tr.Free(7), tr.Alloc(11, 30), tr.Alloc(7, 1)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, err := range map[string]error{"twice": tr.Alloc(9, 5), "empty": tr.Alloc(1, 0), "large": tr.Alloc(1, 1<<32), "unknown": tr.Free(8)} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	folder := t.TempDir()
	if err := tr.write(folder); err != nil {
		t.Fatal(err)
	}
	got, err := readOps(traceFile(folder))
	want := []op{{0, 100}, {1, 20}, {0, 0}, {0, 30}, {2, 1}, {2, 0}, {1, 0}, {0, 0}}
	if err != nil || !slices.Equal(got, want) || tr.slots != 3 {
		t.Errorf("got %v, %d slots, %v; want %v", got, tr.slots, err, want)
	}
	if new(Trace).write(folder) == nil {
		t.Error("a trace of nothing cannot be done again and again")
	}
}

// TestMeasure runs everything, very small.
func TestMeasure(t *testing.T) {
	tr := new(Trace)
	for i := range uint64(50) {
		if err := errors.Join(tr.Alloc(i, 100), tr.Free(i)); err != nil {
			t.Fatal(err)
		}
	}
	var warnings []string
	t.Setenv("GORACE", "atexit_sleep_ms=0") // it is a second otherwise, for each of many peers
	o := Options{Rounds: 2, Slots: 500, Operations: 3000, Trace: tr, Program: os.Args[0], Args: []string{"peer"},
		Only: []string{"one", "two", "producer", "lifo", "fifo", "trace", "latency", "memory", "freed", "arena"},
		Warn: func(line string) { warnings = append(warnings, line) }}
	rows, err := Measure(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	lost := strings.Join(warnings, "\n")
	for _, m := range measures() {
		if m.own != nil {
			continue
		}
		for _, name := range m.rowNames() {
			peer := strings.TrimPrefix(name, m.name+" ")
			if strings.Contains(lost, peer) || strings.Contains(lost, m.name) || strings.Contains(lost, "the peers in C") && inC(peer) {
				continue
			}
			k := slices.IndexFunc(rows, func(r bench.Row) bool { return r.Name == name })
			if k < 0 {
				t.Errorf("no row %q", name)
			} else if r := rows[k]; r.Unit != m.unit || !(r.Ours >= 0) || !(r.Baseline >= 0) {
				t.Errorf("%+v", r)
			} else if r.Unit == "resident/live" && min(r.Ours, r.Baseline) < 0.5 {
				t.Errorf("%+v: much less memory than what is live", r)
			}
		}
	}
	t.Log("left out: ", lost)
}

func inC(peer string) bool {
	return slices.ContainsFunc(libraries(), func(l library) bool { return l.peer == peer })
}

func TestOnly(t *testing.T) {
	for _, only := range []string{"one wurker", "trace", "two workers bar"} {
		if _, err := newSuite(Options{Only: []string{only}}); !errors.Is(err, bench.ErrNoRow) {
			t.Errorf("%q: got %v", only, err)
		}
	}
	s, err := newSuite(Options{Only: []string{"memory peak modernc"}})
	if err != nil {
		t.Fatal(err)
	}
	s.programs = map[string]string{}
	if got, want := s.tasks(), []task{{"memory", Ours}, {"memory", "modernc"}}; tellsResident && !slices.Equal(got, want) {
		t.Errorf("got the tasks %v, want %v", got, want)
	}
}

// TestPeersAgree holds the driver in C to the one in Go: the same passes and the same histogram.
func TestPeersAgree(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil || !tellsResident {
		t.Skip("needs gcc on Linux")
	}
	folder := t.TempDir()
	programs, err := compileDrivers(t.Context(), folder, func(line string) { t.Log(line) })
	if err != nil || programs["glibc"] == "" {
		t.Fatal(programs, err)
	}
	const slots, operations = 300, 4000
	for w := range 2 {
		if _, err := writeSequence(folder, w, slots, operations); err != nil {
			t.Fatal(err)
		}
	}
	for peer, program := range programs {
		p, err := start(t.Context(), program)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := p.order(order{"latency", slots, 0, folder})
		if err != nil {
			t.Fatal(peer, err)
		}
		total := int64(0)
		for i := 2; i+1 < len(answer); i += 2 {
			from, _ := bucketBounds(int(answer[i]))
			total += answer[i+1]
			if from > answer[1] {
				t.Errorf("%s: a bucket begins at %d ns, and the longest time is %d", peer, from, answer[1])
			}
		}
		if total != operations {
			t.Errorf("%s: %d times of %d operations", peer, total, operations)
		}
		for _, wrong := range []string{"dance", "trace"} { // there is no trace here
			q, err := start(t.Context(), program)
			if err != nil {
				t.Fatal(err)
			}
			if answer, err := q.order(order{wrong, slots, 0, folder}); err == nil || q.close() == nil {
				t.Errorf("%s: %s: got %v", peer, wrong, answer)
			}
		}
		if err := p.close(); err != nil {
			t.Error(peer, err)
		}
	}
}

// BenchmarkCalls measures what the call through an interface costs, which all peers in Go pay: the floor's loop, which
// has nothing else to do, with and without.
func BenchmarkCalls(b *testing.B) {
	f := openFixed(1).(*fixed)
	ops := make([]op, 1000)
	for i := range ops {
		ops[i].size = 16
	}
	b.Run("interface", func(b *testing.B) {
		w := newWorker(f, 1)
		w.slots[0] = f.alloc(16)
		for b.Loop() {
			w.replace(ops)
		}
		b.ReportMetric(float64(b.Elapsed())/float64(b.N*len(ops)), "ns/pair")
	})
	b.Run("direct", func(b *testing.B) {
		slots := []block{f.alloc(16)}
		for b.Loop() {
			for _, o := range ops {
				s := &slots[o.slot&^handed]
				f.free(*s)
				block := f.alloc(int(o.size))
				touch(block)
				*s = block
			}
		}
		b.ReportMetric(float64(b.Elapsed())/float64(b.N*len(ops)), "ns/pair")
	})
}
