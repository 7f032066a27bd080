package mem

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const canReplaceCode = true

func mapCode(size int) (unsafe.Pointer, error) {
	return unix.MmapPtr(-1, 0, nil, uintptr(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

func sealCode(base unsafe.Pointer, size int) error {
	return unix.Mprotect(unsafe.Slice((*byte)(base), size), unix.PROT_READ|unix.PROT_EXEC)
}

func unmapCode(base unsafe.Pointer, size int) error { return unix.MunmapPtr(base, uintptr(size)) }

// moveCode holds the kernel's lock on the address space while it works, so that a thread that touches the pages
// meanwhile waits for the new ones.
func moveCode(to, from unsafe.Pointer, size int) error {
	_, err := unix.MremapPtr(from, uintptr(size), to, uintptr(size), unix.MREMAP_MAYMOVE|unix.MREMAP_FIXED)
	return err
}
