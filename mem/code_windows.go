package mem

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/windows"
)

const canReplaceCode = false

func mapCode(size int) (unsafe.Pointer, error) {
	address, err := windows.VirtualAlloc(0, uintptr(size), windows.MEM_RESERVE|windows.MEM_COMMIT, windows.PAGE_READWRITE)
	if err != nil {
		return nil, err
	}
	return *(*unsafe.Pointer)(unsafe.Pointer(&address)), nil // as mapPages does
}

func sealCode(base unsafe.Pointer, size int) error {
	var old uint32
	return windows.VirtualProtect(uintptr(base), uintptr(size), windows.PAGE_EXECUTE_READ, &old)
}

func unmapCode(base unsafe.Pointer, _ int) error {
	return windows.VirtualFree(uintptr(base), 0, windows.MEM_RELEASE)
}

func moveCode(_, _ unsafe.Pointer, _ int) error { return errors.ErrUnsupported }
