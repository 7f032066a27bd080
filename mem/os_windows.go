//go:build !memgo

package mem

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/windows"
)

// scribble is set where freed memory is overwritten, see os_go.go.
const scribble = false

// regionBits is the logarithm of the address space that a heap reserves at a time.
const regionBits = 33

const largestAlignment = 2 << 20

func reservePages(size int) (unsafe.Pointer, error) {
	address, err := windows.VirtualAlloc(0, uintptr(size), windows.MEM_RESERVE, windows.PAGE_NOACCESS)
	if err != nil {
		return nil, err
	}
	// The address is not the collector's, so reading the uintptr's bits as a
	// pointer is sound; a direct conversion would trip vet's unsafeptr check.
	return *(*unsafe.Pointer)(unsafe.Pointer(&address)), nil
}

func commitPages(base unsafe.Pointer, size int) error {
	_, err := windows.VirtualAlloc(uintptr(base), uintptr(size), windows.MEM_COMMIT, windows.PAGE_READWRITE)
	return err
}

// purgePages uncommits and commits again, which may fail only for want of memory.
func purgePages(base unsafe.Pointer, size int) error {
	if err := windows.VirtualFree(uintptr(base), uintptr(size), windows.MEM_DECOMMIT); err != nil {
		return err
	}
	return commitPages(base, size)
}

func releasePages(base unsafe.Pointer, _ int) error {
	return windows.VirtualFree(uintptr(base), 0, windows.MEM_RELEASE)
}

func forbidPages(base unsafe.Pointer, size int) error {
	var old uint32
	return windows.VirtualProtect(uintptr(base), uintptr(size), windows.PAGE_NOACCESS, &old)
}

// hugePages does nothing: large pages need a privilege here.
func hugePages(unsafe.Pointer, int) {}

func countFaults() (Faults, error)                   { return Faults{}, errors.ErrUnsupported }
func residentPages(unsafe.Pointer, int) (int, error) { return 0, errors.ErrUnsupported }
