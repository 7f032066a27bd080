package trace

// Philox returns the four words that the counter-based generator Philox4x32-10 (Salmon et al. 2011, "Parallel Random
// Numbers: As Easy as 1, 2, 3") makes of a counter and a key: in each lane what philox.Words makes of the lane's.
func Philox(counter [4]Uint, key [2]Uint) [4]Uint {
	c, k := counter, key
	for range 10 {
		a, b := c[0].c(0xD2511F53), c[0].c(0xCD9E8D57)
		c = [4]Uint{
			b.MulHi(c[2]).Xor(c[1]).Xor(k[0]), b.Mul(c[2]),
			a.MulHi(c[0]).Xor(c[3]).Xor(k[1]), a.Mul(c[0]),
		}
		k[0], k[1] = k[0].Plus(0x9E3779B9), k[1].Plus(0xBB67AE85)
	}
	return c
}
