package film

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// A PFM file (netpbm's pfm(5)) is "PF" (RGB) or "Pf" (gray), width, height and scale, each ended by white space, then float32 rows from
// the bottom up. A negative scale says little endian; its magnitude multiplies the samples.

// decodePFM reads a PFM. NaN and infinities are kept.
func decodePFM(data []byte) (*Image, error) {
	channels, rest, err := pfmKind(data)
	if err != nil {
		return nil, err
	}
	var width, height int
	if width, rest, err = pfmSide(rest, "width"); err != nil {
		return nil, err
	}
	if height, rest, err = pfmSide(rest, "height"); err != nil {
		return nil, err
	}
	scale, rest, err := pfmScale(rest)
	if err != nil {
		return nil, err
	}
	if err := checkSize(width, height, channels); err != nil {
		return nil, err
	}
	if n := 4 * width * height * channels; len(rest) < n {
		return nil, fmt.Errorf("PFM has %d bytes of pixels, expected %d", len(rest), n)
	}
	out := New(width, height, channels)
	out.readPFM(rest, scale)
	return out, nil
}

func pfmKind(data []byte) (channels int, rest []byte, err error) {
	word, rest, ok := pfmWord(data)
	switch {
	case ok && word == "PF":
		return 3, rest, nil
	case ok && word == "Pf":
		return 1, rest, nil
	}
	return 0, nil, errors.New("expected a PFM, which starts with PF or Pf")
}

// pfmWord takes a word and the one byte of white space that ends it.
func pfmWord(data []byte) (word string, rest []byte, ok bool) {
	const longest = 64
	end := bytes.IndexAny(data[:min(len(data), longest)], " \t\r\n")
	if end < 1 {
		return "", nil, false
	}
	return string(data[:end]), data[end+1:], true
}

func pfmSide(data []byte, name string) (int, []byte, error) {
	word, rest, ok := pfmWord(data)
	n, err := strconv.Atoi(word)
	if !ok || err != nil {
		return 0, nil, fmt.Errorf("PFM %s %q, expected a whole number and white space", name, word)
	}
	return n, rest, nil
}

func pfmScale(data []byte) (float64, []byte, error) {
	word, rest, ok := pfmWord(data)
	scale, err := strconv.ParseFloat(word, 64)
	if !ok || err != nil || scale == 0 || scale-scale != 0 {
		return 0, nil, fmt.Errorf("PFM scale %q, expected a finite number other than zero and white space", word)
	}
	return scale, rest, nil
}

// readPFM fills the image from rows that run from the bottom up.
func (im *Image) readPFM(data []byte, scale float64) {
	var order binary.ByteOrder = binary.BigEndian
	if scale < 0 {
		order = binary.LittleEndian
	}
	factor := float32(math.Abs(scale))
	for y := im.Height - 1; y >= 0; y-- {
		for i := range im.row(y) {
			v := math.Float32frombits(order.Uint32(data))
			if factor != 1 {
				v *= factor
			}
			im.row(y)[i] = v
			data = data[4:]
		}
	}
}

// row returns the samples of row y.
func (im *Image) row(y int) []float32 {
	n := im.Width * im.Channels
	return im.Pix[y*n : (y+1)*n]
}

// encodePFM writes little endian samples with scale 1, bit by bit; every NaN is written as the same one.
func encodePFM(w io.Writer, im *Image) error {
	kind := map[int]string{1: "Pf", 3: "PF"}[im.Channels]
	if kind == "" {
		return fmt.Errorf("PFM of %d channels, expected 1 or 3", im.Channels)
	}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s\n%d %d\n-1.0\n", kind, im.Width, im.Height)
	for y := im.Height - 1; y >= 0; y-- {
		for _, v := range im.row(y) {
			bits := math.Float32bits(v)
			if v != v {
				bits = 0x7fc00000
			}
			b.Write(binary.LittleEndian.AppendUint32(b.AvailableBuffer(), bits))
		}
	}
	return b.Flush()
}
