package scene

import "math/bits"

// Philox4x32 is the counter-based generator Philox4x32-10 (Salmon et al. 2011,
// "Parallel Random Numbers: As Easy as 1, 2, 3"): four random words for a
// counter and a key.
func Philox4x32(counter [4]uint32, key [2]uint32) [4]uint32 {
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

// Random is a sequence of random numbers that depends on its fields alone: the
// n-th number of a stream can be had without those before it.
type Random struct {
	Key       uint64 // seed
	Stream    uint64 // such as the index of a hypothesis or of a pixel
	Substream uint32 // such as the index of a parameter or of a channel
	Next      uint32 // index of the next number
}

// Float64 returns the next number, uniform in [0, 1) with 53 bits.
func (r *Random) Float64() float64 {
	w := Philox4x32([4]uint32{r.Next, r.Substream, uint32(r.Stream), uint32(r.Stream >> 32)}, [2]uint32{uint32(r.Key), uint32(r.Key >> 32)})
	r.Next++
	return float64(uint64(w[0])<<21^uint64(w[1])>>11) / (1 << 53)
}
