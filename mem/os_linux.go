//go:build !memgo

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

func purgePages(base unsafe.Pointer, size int) error {
	return unix.Madvise(unsafe.Slice((*byte)(base), size), unix.MADV_DONTNEED)
}

func releasePages(base unsafe.Pointer, size int) error {
	return unix.MunmapPtr(base, uintptr(size))
}

func forbidPages(base unsafe.Pointer, size int) error {
	return unix.Mprotect(unsafe.Slice((*byte)(base), size), unix.PROT_NONE)
}

func hugePages(base unsafe.Pointer, size int) {
	_ = unix.Madvise(unsafe.Slice((*byte)(base), size), unix.MADV_HUGEPAGE) // refused where there are none
}

func countFaults() (Faults, error) {
	var u unix.Rusage
	err := unix.Getrusage(unix.RUSAGE_SELF, &u)
	return Faults{u.Minflt, u.Majflt}, err
}

// residentPages asks mincore, a byte a page.
func residentPages(base unsafe.Pointer, size int) (int, error) {
	const batch = 1 << 14 // pages
	var state [batch]byte
	page, resident := PageSize(), 0
	for size > 0 {
		n := min(size, batch*page)
		if _, _, e := unix.Syscall(unix.SYS_MINCORE, uintptr(base), uintptr(n), uintptr(unsafe.Pointer(&state))); e != 0 {
			return 0, e
		}
		for _, s := range state[:(n+page-1)/page] {
			resident += int(s&1) * page
		}
		base, size = unsafe.Add(base, n), size-n
	}
	return resident, nil
}
