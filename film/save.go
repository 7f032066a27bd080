package film

import (
	"encoding/binary"
	"fmt"
	"image"
	"image/png"
	"io"
)

// Output says how Save and Encode write; the zero value is sRGB with 8 bits. A PFM ignores it: it holds the linear values themselves.
type Output struct {
	Encoding Encoding
	Bits     int // 8 or 16; 0 means 8
}

// Save writes the image to path, whole or not at all (see WriteAtomic); the extension gives the format, .png or .pfm. PNG takes 1, 3 or
// 4 channels, clamps to [0, 1] after encoding and writes NaN as 0; PFM takes 1 or 3 and keeps every bit.
func Save(path string, im *Image, out Output) error {
	format, err := FormatOf(path)
	if err != nil {
		return err
	}
	return WriteAtomic(path, func(w io.Writer) error { return encode(w, im, format, out) })
}

// Encode writes the image in a format, PNG or PFM, as Save does.
func Encode(w io.Writer, im *Image, format Format, out Output) error {
	if err := encode(w, im, format, out); err != nil {
		return fmt.Errorf("film: %w", err)
	}
	return nil
}

// encode is Encode without the package's prefix.
func encode(w io.Writer, im *Image, format Format, out Output) error {
	if err := im.check(); err != nil {
		return err
	}
	switch format {
	case PNG:
		m, err := toStd(im, out)
		if err != nil {
			return err
		}
		return (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(w, m)
	case PFM:
		return encodePFM(w, im)
	}
	return fmt.Errorf("cannot write %v, expected PNG or PFM", format)
}

// toStd quantises to an image of the standard library.
func toStd(im *Image, out Output) (image.Image, error) {
	switch {
	case out.Encoding != SRGB && out.Encoding != Linear:
		return nil, fmt.Errorf("%v, expected srgb or linear", out.Encoding)
	case im.Channels != 1 && im.Channels != 3 && im.Channels != 4:
		return nil, fmt.Errorf("PNG of %d channels, expected 1, 3 or 4", im.Channels)
	case out.Bits == 0 || out.Bits == 8:
		return toStd8(im, out.Encoding), nil
	case out.Bits == 16:
		return toStd16(im, out.Encoding), nil
	}
	return nil, fmt.Errorf("PNG of %d bits, expected 8 or 16", out.Bits)
}

// codes quantises one pixel to 0..largest; alpha is linear, and full where there is none.
func codes(px []float32, enc Encoding, largest int) (c [4]int) {
	c[3] = largest
	for i, v := range px {
		if i == 3 {
			c[i] = quantise(float64(v), largest)
		} else {
			c[i] = quantise(enc.encode(float64(v)), largest)
		}
	}
	return c
}

func toStd8(im *Image, enc Encoding) image.Image {
	r := image.Rect(0, 0, im.Width, im.Height)
	q := newQuantiser8(enc)
	if im.Channels == 1 {
		m := image.NewGray(r)
		for i, v := range im.Pix {
			m.Pix[i] = q.code(v)
		}
		return m
	}
	m := image.NewNRGBA(r) // the PNG encoder leaves alpha out if every pixel is opaque
	for i := range im.Width * im.Height {
		px, out := im.Pix[i*im.Channels:][:im.Channels], m.Pix[4*i:4*i+4]
		out[0], out[1], out[2], out[3] = q.code(px[0]), q.code(px[1]), q.code(px[2]), 0xff
		if len(px) == 4 {
			out[3] = uint8(quantise(float64(px[3]), 0xff))
		}
	}
	return m
}

func toStd16(im *Image, enc Encoding) image.Image {
	r := image.Rect(0, 0, im.Width, im.Height)
	if im.Channels == 1 {
		m := image.NewGray16(r)
		for i, v := range im.Pix {
			binary.BigEndian.PutUint16(m.Pix[2*i:], uint16(quantise(enc.encode(float64(v)), 0xffff)))
		}
		return m
	}
	m := image.NewNRGBA64(r)
	for i := range im.Width * im.Height {
		for k, v := range codes(im.Pix[i*im.Channels:][:im.Channels], enc, 0xffff) {
			binary.BigEndian.PutUint16(m.Pix[8*i+2*k:], uint16(v))
		}
	}
	return m
}
