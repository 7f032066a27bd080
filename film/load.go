package film

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Format is a file format.
type Format int

const (
	PNG  Format = iota // read and written, 8 and 16 bit
	JPEG               // read; the orientation tag of Exif is not applied
	TGA                // read; 8, 24 and 32 bit, plain and run-length encoded
	PFM                // read and written; float32, linear whatever the encoding asked for
)

// String returns the usual name of the format.
func (f Format) String() string {
	if f < PNG || f > PFM {
		return fmt.Sprintf("Format(%d)", int(f))
	}
	return [...]string{"PNG", "JPEG", "TGA", "PFM"}[f]
}

// FormatOf returns the format that the path's extension names.
func FormatOf(path string) (Format, error) {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".png":
		return PNG, nil
	case ".jpg", ".jpeg":
		return JPEG, nil
	case ".tga":
		return TGA, nil
	case ".pfm":
		return PFM, nil
	default:
		return 0, fmt.Errorf("film: %s: extension %q, expected .png, .jpg, .jpeg, .tga or .pfm", path, ext)
	}
}

// maxFileBytes bounds what Decode reads: the largest PFM, and room for a header.
const maxFileBytes = 4*MaxSamples + 1<<16

// Load reads the image file at path; the extension gives the format, enc says what its numbers mean. Errors read
// "film: path: what was expected".
func Load(path string, enc Encoding) (*Image, error) {
	format, err := FormatOf(path)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("film: %s: expected a readable image: %w", path, cause(err))
	}
	defer f.Close()
	im, err := decode(f, format, enc)
	if err != nil {
		return nil, fmt.Errorf("film: %s: %w", path, err)
	}
	return im, nil
}

// cause strips the operation and the path that package os puts in front of a system error; we name the path ourselves.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Decode reads one image of a known format. Gray files give one channel, colour files three, files with alpha (gray ones too) four; alpha is
// never passed through the sRGB curve. NaN and infinities of a PFM are kept: see CheckFinite.
func Decode(r io.Reader, format Format, enc Encoding) (*Image, error) {
	im, err := decode(r, format, enc)
	if err != nil {
		return nil, fmt.Errorf("film: %w", err)
	}
	return im, nil
}

// decode is Decode without the package's prefix.
func decode(r io.Reader, format Format, enc Encoding) (*Image, error) {
	if enc != SRGB && enc != Linear {
		return nil, fmt.Errorf("%v, expected srgb or linear", enc)
	}
	data, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("expected a readable image: %w", cause(err))
	}
	if len(data) > maxFileBytes {
		return nil, fmt.Errorf("expected at most %d bytes", maxFileBytes)
	}
	switch format {
	case PNG:
		return decodeStd(data, format, enc, png.DecodeConfig, png.Decode)
	case JPEG:
		return decodeStd(data, format, enc, jpeg.DecodeConfig, jpeg.Decode)
	case TGA:
		return decodeTGA(data, enc)
	case PFM:
		return decodePFM(data)
	}
	return nil, fmt.Errorf("%v, expected PNG, JPEG, TGA or PFM", format)
}

// decodeStd reads with a decoder of the standard library, after a look at the size alone.
func decodeStd(data []byte, format Format, enc Encoding,
	config func(io.Reader) (image.Config, error), decode func(io.Reader) (image.Image, error)) (*Image, error) {
	c, err := config(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("expected a %v: %w", format, err)
	}
	if err := checkSize(c.Width, c.Height, 1); err != nil {
		return nil, err
	}
	m, err := decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("expected a complete %v: %w", format, err)
	}
	return fromStd(m, enc)
}

// fromStd converts an image of the standard library.
func fromStd(m image.Image, enc Encoding) (*Image, error) {
	bounds := m.Bounds()
	from := reader(m)
	if err := checkSize(bounds.Dx(), bounds.Dy(), from.channels); err != nil {
		return nil, err
	}
	out := New(bounds.Dx(), bounds.Dy(), from.channels)
	table := enc.table(from.largest)
	for y := range out.Height {
		for x := range out.Width {
			px, codes := out.At(x, y), from.read(bounds.Min.X+x, bounds.Min.Y+y)
			for c := range px {
				px[c] = table[codes[c]]
			}
			if len(px) == 4 {
				px[3] = float32(float64(codes[3]) / float64(from.largest))
			}
		}
	}
	return out, nil
}

// codeReader reads the pixels of an image as codes 0..largest, with straight alpha.
type codeReader struct {
	channels int
	largest  int
	read     func(x, y int) [4]uint16
}

func reader(m image.Image) codeReader {
	switch m := m.(type) {
	case *image.Gray:
		return codeReader{1, 0xff, func(x, y int) [4]uint16 { return [4]uint16{uint16(m.GrayAt(x, y).Y)} }}
	case *image.Gray16:
		return codeReader{1, 0xffff, func(x, y int) [4]uint16 { return [4]uint16{m.Gray16At(x, y).Y} }}
	case *image.NRGBA:
		return codeReader{4, 0xff, func(x, y int) [4]uint16 {
			c := m.NRGBAAt(x, y)
			return [4]uint16{uint16(c.R), uint16(c.G), uint16(c.B), uint16(c.A)}
		}}
	case *image.NRGBA64:
		return codeReader{4, 0xffff, func(x, y int) [4]uint16 {
			c := m.NRGBA64At(x, y)
			return [4]uint16{c.R, c.G, c.B, c.A}
		}}
	case *image.RGBA: // of a PNG without alpha
		return codeReader{3, 0xff, func(x, y int) [4]uint16 {
			c := m.RGBAAt(x, y)
			return [4]uint16{uint16(c.R), uint16(c.G), uint16(c.B)}
		}}
	case *image.YCbCr:
		return codeReader{3, 0xff, func(x, y int) [4]uint16 {
			c := m.YCbCrAt(x, y)
			r, g, b := color.YCbCrToRGB(c.Y, c.Cb, c.Cr)
			return [4]uint16{uint16(r), uint16(g), uint16(b)}
		}}
	case *image.Paletted:
		return paletted(m)
	}
	// The rest (RGB without alpha, CMYK) is opaque in the files we read.
	return codeReader{3, 0xffff, func(x, y int) [4]uint16 {
		r, g, b, _ := m.At(x, y).RGBA()
		return [4]uint16{uint16(r), uint16(g), uint16(b)}
	}}
}

// paletted reads through the palette: three channels, four if an entry is not opaque.
func paletted(m *image.Paletted) codeReader {
	var entries [256][4]uint16
	channels := 3
	for i, c := range m.Palette {
		n := color.NRGBA64Model.Convert(c).(color.NRGBA64)
		entries[i] = [4]uint16{n.R, n.G, n.B, n.A}
		if n.A != 0xffff {
			channels = 4
		}
	}
	return codeReader{channels, 0xffff, func(x, y int) [4]uint16 { return entries[m.ColorIndexAt(x, y)] }}
}
