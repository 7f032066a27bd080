//go:build !memgo

package mem

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// scribble is set where freed memory is overwritten, see os_go.go.
const scribble = false

func mapPages(size int) (unsafe.Pointer, error) {
	address, err := windows.VirtualAlloc(0, uintptr(size),
		windows.MEM_RESERVE|windows.MEM_COMMIT, windows.PAGE_READWRITE)
	if err != nil {
		return nil, err
	}
	// The address is not the collector's, so reading the uintptr's bits as a
	// pointer is sound; a direct conversion would trip vet's unsafeptr check.
	return *(*unsafe.Pointer)(unsafe.Pointer(&address)), nil
}

func unmapPages(base unsafe.Pointer, _ int) error {
	return windows.VirtualFree(uintptr(base), 0, windows.MEM_RELEASE)
}
