package tensor

import (
	"testing"

	"github.com/baremetaldevx86/microdr/philox"
)

// TestRandomIsPhilox: number i of call n is a word of philox of i and n, with the seed for the key.
func TestRandomIsPhilox(t *testing.T) {
	const seed = 0x0123456789abcdef
	random := open(t, Options{Workers: 1}).NewRandom(seed)
	for call := range uint32(3) {
		for i, got := range random.Uniform(5).Float64s() {
			words := philox.Words([4]uint32{uint32(i), call}, [2]uint32{seed & 0xffffffff, seed >> 32})
			if want := float64(words[0]>>8) / (1 << 24); got != want {
				t.Errorf("number %d of call %d is %v, want %v", i, call, got, want)
			}
		}
	}
}
