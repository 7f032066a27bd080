package data

import "github.com/baremetaldevx86/microdr/philox"

// order is in which the images of an epoch come.
type order struct {
	shuffled bool
	seed     uint64
	images   []int32
}

func newOrder(n int, shuffled bool, seed uint64) *order {
	return &order{shuffled, seed, make([]int32, n)}
}

// begin puts the images into the order of an epoch, which depends on seed and epoch alone: any epoch can be the first.
// It is the shuffle of Fisher and Yates from the images in their own order.
func (o *order) begin(epoch int) {
	for i := range o.images {
		o.images[i] = int32(i)
	}
	if !o.shuffled {
		return
	}
	r := philox.Random{Key: o.seed, Stream: orderStream<<32 | uint64(uint32(epoch))}
	for last := len(o.images) - 1; last > 0; last-- {
		k := r.Below(last + 1)
		o.images[last], o.images[k] = o.images[k], o.images[last]
	}
}
