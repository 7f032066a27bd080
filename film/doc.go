// Package film holds images as linear scene values and moves them in and out of files: PNG, JPEG, TGA and PFM, the sRGB curve, tone
// mapping, resampling, colour maps and contact sheets. It must not know what a scene, a camera or a loss is; whoever calls it says how
// a file is encoded and what a value means. Start reading at Image (image.go), then Load (load.go) and Save (save.go).
package film
