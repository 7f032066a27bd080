//go:build !memgo && (linux || darwin)

package mem

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// scribble is set where freed memory is overwritten, see os_go.go.
const scribble = false

func mapPages(size int) (unsafe.Pointer, error) {
	return unix.MmapPtr(-1, 0, nil, uintptr(size),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

func unmapPages(base unsafe.Pointer, size int) error {
	return unix.MunmapPtr(base, uintptr(size))
}
