package mem

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

const canReplaceCode = false

func mapCode(size int) (unsafe.Pointer, error) {
	return unix.MmapPtr(-1, 0, nil, uintptr(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

func sealCode(base unsafe.Pointer, size int) error {
	return unix.Mprotect(unsafe.Slice((*byte)(base), size), unix.PROT_READ|unix.PROT_EXEC)
}

func unmapCode(base unsafe.Pointer, size int) error { return unix.MunmapPtr(base, uintptr(size)) }

func moveCode(_, _ unsafe.Pointer, _ int) error { return errors.ErrUnsupported }
