//go:build !memgo

package mem

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// scribble is set where freed memory is overwritten, see os_go.go.
const scribble = false

// regionBits is the logarithm of the address space that a heap reserves at a time.
const regionBits = 33

const largestAlignment = 2 << 20

func reservePages(size int) (unsafe.Pointer, error) {
	return unix.MmapPtr(-1, 0, nil, uintptr(size), unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE)
}

func commitPages(base unsafe.Pointer, size int) error {
	return unix.Mprotect(unsafe.Slice((*byte)(base), size), unix.PROT_READ|unix.PROT_WRITE)
}

// purgePages maps fresh pages over the old ones: no advice of this system's both takes the memory at once and leaves
// zeros.
func purgePages(base unsafe.Pointer, size int) error {
	_, err := unix.MmapPtr(-1, 0, base, uintptr(size), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE|unix.MAP_FIXED)
	return err
}

func releasePages(base unsafe.Pointer, size int) error {
	return unix.MunmapPtr(base, uintptr(size))
}

func forbidPages(base unsafe.Pointer, size int) error {
	return unix.Mprotect(unsafe.Slice((*byte)(base), size), unix.PROT_NONE)
}

// hugePages does nothing: this system chooses by itself.
func hugePages(unsafe.Pointer, int) {}

func countFaults() (Faults, error) {
	var u unix.Rusage
	err := unix.Getrusage(unix.RUSAGE_SELF, &u)
	return Faults{u.Minflt, u.Majflt}, err
}

func residentPages(unsafe.Pointer, int) (int, error) { return 0, errors.ErrUnsupported }
