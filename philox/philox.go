// Package philox makes random numbers that are functions of where they are wanted: a seed, a stream, an index. It must
// not know what they are for, and keeps no state, so that work in any order and on any number of workers draws the same
// numbers. Start with Words; Random is a sequence of them.
package philox

import "math/bits"

// Words is the counter-based generator Philox4x32-10 (Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2,
// 3"): four random words for a counter and a key.
func Words(counter [4]uint32, key [2]uint32) [4]uint32 {
	c, k := counter, key
	for range 10 {
		hi0, lo0 := bits.Mul32(0xD2511F53, c[0])
		hi1, lo1 := bits.Mul32(0xCD9E8D57, c[2])
		c = [4]uint32{hi1 ^ c[1] ^ k[0], lo1, hi0 ^ c[3] ^ k[1], lo0}
		k[0] += 0x9E3779B9
		k[1] += 0xBB67AE85
	}
	return c
}

// Random is a sequence of random numbers that depends on its fields alone: the n-th number of a stream can be had
// without those before it.
type Random struct {
	Key       uint64 // seed
	Stream    uint64 // such as the index of a hypothesis or of a pixel
	Substream uint32 // such as the index of a parameter or of a channel
	Next      uint32 // index of the next number
}

// Uint64 returns the next number, uniform in all 64 bits.
func (r *Random) Uint64() uint64 {
	w := r.words()
	return uint64(w[0])<<32 | uint64(w[1])
}

// Float64 returns the next number, uniform in [0, 1) with 53 bits.
func (r *Random) Float64() float64 {
	w := r.words()
	return float64(uint64(w[0])<<21^uint64(w[1])>>11) / (1 << 53)
}

// Below returns the next number, uniform in 0..n-1 for n > 0: the high half of a product of 128 bits (Lemire 2019,
// "Fast Random Integer Generation in an Interval"). Nothing is rejected, so that a number is always one step of the
// sequence; the probabilities differ by less than n / 2^64.
func (r *Random) Below(n int) int {
	high, _ := bits.Mul64(r.Uint64(), uint64(n))
	return int(high)
}

func (r *Random) words() [4]uint32 {
	counter := [4]uint32{r.Next, r.Substream, uint32(r.Stream), uint32(r.Stream >> 32)}
	r.Next++
	return Words(counter, [2]uint32{uint32(r.Key), uint32(r.Key >> 32)})
}
