//go:build memnocount

package mem

// A tally that counts nothing, to measure what counting costs:
//
//	go test -run '^$' -bench StandardWork -count 10 ./mem
//	go test -run '^$' -bench StandardWork -count 10 -tags memnocount ./mem
//
// Counters are nonsense in such a build, and the tests fail.
type tally struct{}

func (*tally) get() int64      { return 0 }
func (*tally) set(int64)       {}
func (*tally) add(int64) int64 { return 0 }
func (*tally) read() int64     { return 0 }
