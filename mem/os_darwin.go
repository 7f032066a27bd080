//go:build !memgo

package mem

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// purgePages maps fresh pages over the old ones: no advice of this system's both takes the memory at once and leaves
// zeros.
func purgePages(base unsafe.Pointer, size int) error {
	_, err := unix.MmapPtr(-1, 0, base, uintptr(size), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE|unix.MAP_FIXED)
	return err
}

// hugePages does nothing: this system chooses by itself.
func hugePages(unsafe.Pointer, int) {}

func residentPages(unsafe.Pointer, int) (int, error) { return 0, errors.ErrUnsupported }
