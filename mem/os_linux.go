//go:build !memgo

package mem

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

func purgePages(base unsafe.Pointer, size int) error {
	return unix.Madvise(unsafe.Slice((*byte)(base), size), unix.MADV_DONTNEED)
}

func hugePages(base unsafe.Pointer, size int) {
	_ = unix.Madvise(unsafe.Slice((*byte)(base), size), unix.MADV_HUGEPAGE) // refused where there are none
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
