package render

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/scene"
)

// loadImage reads an image that the scene names.
func (p *plan) loadImage(b scene.Buffer) (*film.Image, error) {
	encoding, err := film.ParseEncoding(b.Encoding)
	if err != nil {
		return nil, fmt.Errorf("render: %s: %w", b.Path, err)
	}
	file := b.File
	if !filepath.IsAbs(file) {
		file = filepath.Join(p.scene.Dir, file)
	}
	im, err := film.Load(file, encoding)
	if err != nil {
		return nil, fmt.Errorf("render: %s: %w", b.Path, err)
	}
	return im, nil
}

// imageSizes returns width and height of the image textures, by path.
func (p *plan) imageSizes() (map[string][2]int, error) {
	sizes := map[string][2]int{}
	for _, b := range scene.Buffers(p.scene) {
		if b.Kind == scene.ImageBuffer {
			im, err := p.loadImage(b)
			if err != nil {
				return nil, err
			}
			sizes[b.Path] = [2]int{im.Width, im.Height}
		}
	}
	return sizes, nil
}

// loadMaps returns the values of all buffers, by path, and the sizes of the image textures.
func (p *plan) loadMaps() (data map[string][]float32, sizes map[string][2]int, err error) {
	data, sizes = map[string][]float32{}, map[string][2]int{}
	for _, b := range scene.Buffers(p.scene) {
		if b.File == "" {
			data[b.Path] = slices.Repeat(narrow(b.Start), p.width*p.height)
			continue
		}
		im, err := p.loadImage(b)
		if err != nil {
			return nil, nil, err
		}
		if b.Kind == scene.ImageBuffer {
			sizes[b.Path] = [2]int{im.Width, im.Height}
		} else {
			if im.Width != p.camera.Resolution[0] || im.Height != p.camera.Resolution[1] {
				return nil, nil, fmt.Errorf("render: %s: %s has %dx%d pixels, the camera %dx%d", b.Path, b.File,
					im.Width, im.Height, p.camera.Resolution[0], p.camera.Resolution[1])
			}
			if p.Scale > 1 {
				im = im.Downsample(p.Scale)
			}
		}
		data[b.Path] = channels(im, b.Channels)
		if format, _ := film.FormatOf(b.File); b.Kind == scene.NormalBuffer && format != film.PFM {
			for i, x := range data[b.Path] {
				data[b.Path][i] = 2*x - 1
			}
		}
	}
	return data, sizes, nil
}

func narrow(xs []float64) []float32 {
	out := make([]float32, len(xs))
	for i, x := range xs {
		out[i] = float32(x)
	}
	return out
}

// channels returns the image's values with 1 or 3 channels a pixel.
func channels(im *film.Image, n int) []float32 {
	if n == 1 {
		im = im.Gray()
	}
	if im.Channels == n {
		return slices.Clone(im.Pix)
	}
	out := make([]float32, 0, im.Width*im.Height*n)
	for i := range im.Width * im.Height {
		px := im.Pix[i*im.Channels : (i+1)*im.Channels]
		for c := range n {
			out = append(out, px[min(c, max(len(px)-2, 0))])
			if len(px) >= 3 {
				out[len(out)-1] = px[c]
			}
		}
	}
	return out
}
