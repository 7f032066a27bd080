//go:build !(linux || darwin || windows)

package mem

import (
	"errors"
	"unsafe"
)

const canReplaceCode = false

func mapCode(int) (unsafe.Pointer, error)       { return nil, errors.ErrUnsupported }
func sealCode(unsafe.Pointer, int) error        { return errors.ErrUnsupported }
func unmapCode(unsafe.Pointer, int) error       { return errors.ErrUnsupported }
func moveCode(_, _ unsafe.Pointer, _ int) error { return errors.ErrUnsupported }
