package film

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// tgaHeader is what we use of the 18 bytes at the start of a TGA file (Truevision TGA File Format Specification 2.0, 1991, field 1-5).
type tgaHeader struct {
	width, height int
	pixelBytes    int // 1, 3 (B, G, R) or 4 (B, G, R, attribute)
	channels      int // 4 only if the descriptor says that the attribute is alpha
	packed        bool
	topDown       bool // the first row is the top one
	rightLeft     bool // the first column is the right one
	pixels        int  // offset of the pixel data
}

const tgaHeaderSize = 18

// decodeTGA reads types 2, 3, 10 and 11 (true colour and gray, plain and run-length encoded) with 8, 24 or 32 bits and any origin.
func decodeTGA(data []byte, enc Encoding) (*Image, error) {
	h, err := parseTGAHeader(data)
	if err != nil {
		return nil, err
	}
	raw := data[h.pixels:]
	size := h.width * h.height * h.pixelBytes
	if h.packed {
		if raw, err = unpackTGA(raw, size, h.pixelBytes); err != nil {
			return nil, err
		}
	}
	if len(raw) < size {
		return nil, fmt.Errorf("TGA has %d bytes of pixels, expected %d", len(raw), size)
	}
	return h.image(raw, enc), nil
}

func parseTGAHeader(data []byte) (tgaHeader, error) {
	var h tgaHeader
	if len(data) < tgaHeaderSize {
		return h, fmt.Errorf("TGA of %d bytes, expected a header of %d", len(data), tgaHeaderSize)
	}
	kind, bits, descriptor := data[2], data[16], data[17]
	gray := kind == 3 || kind == 11
	switch {
	case !gray && kind != 2 && kind != 10:
		return h, fmt.Errorf("TGA of type %d, expected 2, 3, 10 or 11", kind)
	case gray && bits != 8:
		return h, fmt.Errorf("gray TGA of %d bits, expected 8", bits)
	case !gray && bits != 24 && bits != 32:
		return h, fmt.Errorf("colour TGA of %d bits, expected 24 or 32", bits)
	case descriptor&0xc0 != 0:
		return h, errors.New("interleaved TGA, expected rows in order")
	}
	h = tgaHeader{
		width:      int(binary.LittleEndian.Uint16(data[12:])),
		height:     int(binary.LittleEndian.Uint16(data[14:])),
		pixelBytes: int(bits) / 8,
		channels:   min(int(bits)/8, 3),
		packed:     kind >= 10,
		topDown:    descriptor&0x20 != 0,
		rightLeft:  descriptor&0x10 != 0,
	}
	if bits == 32 && descriptor&0x0f == 8 {
		h.channels = 4
	}
	// An identification field and a colour map, unused by these types, may stand before the pixels.
	h.pixels = tgaHeaderSize + int(data[0])
	if data[1] != 0 {
		h.pixels += int(binary.LittleEndian.Uint16(data[5:])) * ((int(data[7]) + 7) / 8)
	}
	if h.pixels > len(data) {
		return h, fmt.Errorf("TGA of %d bytes, expected pixels at byte %d", len(data), h.pixels)
	}
	return h, checkSize(h.width, h.height, h.channels)
}

// unpackTGA expands run-length packets to size bytes. A packet is a byte n, then, if its top bit is set, one pixel to repeat (n&127)+1
// times, otherwise n+1 pixels. Packets may cross rows: old writers do that. Bytes after the last pixel are ignored.
func unpackTGA(src []byte, size, pixelBytes int) ([]byte, error) {
	if most := len(src) / (1 + pixelBytes) * 128 * pixelBytes; most < size {
		return nil, fmt.Errorf("TGA has %d bytes of packets, expected enough for %d", len(src), size)
	}
	out := make([]byte, 0, size)
	for len(out) < size {
		if len(src) == 0 {
			return nil, fmt.Errorf("TGA ends after %d bytes of pixels, expected %d", len(out), size)
		}
		count, repeat := int(src[0]&0x7f)+1, src[0]&0x80 != 0
		take, src2 := count*pixelBytes, src[1:]
		if repeat {
			take = pixelBytes
		}
		if len(src2) < take || count*pixelBytes > size-len(out) {
			return nil, fmt.Errorf("TGA packet of %d pixels after %d bytes of pixels, expected it to fit", count, len(out))
		}
		if !repeat {
			count = 1
		}
		for range count {
			out = append(out, src2[:take]...)
		}
		src = src2[take:]
	}
	return out, nil
}

// image converts plain pixels.
func (h tgaHeader) image(raw []byte, enc Encoding) *Image {
	out := New(h.width, h.height, h.channels)
	table := enc.table(0xff)
	for row := range h.height {
		for column := range h.width {
			x, y := column, row
			if h.rightLeft {
				x = h.width - 1 - column
			}
			if !h.topDown {
				y = h.height - 1 - row
			}
			h.pixel(out.At(x, y), raw[(row*h.width+column)*h.pixelBytes:], table)
		}
	}
	return out
}

// pixel reads one pixel: gray, or blue, green, red and perhaps alpha.
func (h tgaHeader) pixel(dst []float32, src []byte, table []float32) {
	if h.channels == 1 {
		dst[0] = table[src[0]]
		return
	}
	dst[0], dst[1], dst[2] = table[src[2]], table[src[1]], table[src[0]]
	if h.channels == 4 {
		dst[3] = float32(float64(src[3]) / 0xff)
	}
}
