package scene

import "github.com/baremetaldevx86/microdr/philox"

// Philox4x32 is philox.Words: four random words for a counter and a key.
func Philox4x32(counter [4]uint32, key [2]uint32) [4]uint32 {
	return philox.Words(counter, key)
}

// Random is a sequence of random numbers that depends on its fields alone.
type Random = philox.Random
