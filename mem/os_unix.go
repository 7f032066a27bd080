//go:build !memgo && (linux || darwin)

package mem

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// scribble is set where freed memory is overwritten, see os_go.go.
const scribble = false

// regionBits is the logarithm of the address space that a heap reserves at a time.
const regionBits = 33

const largestAlignment = 2 << 20

// reservePages maps without access: such pages do not count against the limit of memory promised, whatever the
// system's policy on overcommitting.
func reservePages(size int) (unsafe.Pointer, error) {
	return unix.MmapPtr(-1, 0, nil, uintptr(size), unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE)
}

func commitPages(base unsafe.Pointer, size int) error {
	return unix.Mprotect(unsafe.Slice((*byte)(base), size), unix.PROT_READ|unix.PROT_WRITE)
}

func releasePages(base unsafe.Pointer, size int) error {
	return unix.MunmapPtr(base, uintptr(size))
}

func forbidPages(base unsafe.Pointer, size int) error {
	return unix.Mprotect(unsafe.Slice((*byte)(base), size), unix.PROT_NONE)
}

func countFaults() (Faults, error) {
	var u unix.Rusage
	err := unix.Getrusage(unix.RUSAGE_SELF, &u)
	return Faults{u.Minflt, u.Majflt}, err
}
