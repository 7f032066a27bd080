package mem

import (
	"fmt"
	"reflect"
)

// plain reports as an error why values of T may not live outside the
// collector's sight, or nil if they may.
func plain[T any]() error {
	t := reflect.TypeFor[T]()
	if holdsPointers(t) {
		return fmt.Errorf("mem: type %v holds Go pointers", t)
	}
	if t.Size() == 0 {
		return fmt.Errorf("mem: type %v has size zero", t)
	}
	return nil
}

// holdsPointers reports whether the collector would have to scan a t. A
// uintptr is a number; an array of length zero holds nothing.
func holdsPointers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return t.Len() > 0 && holdsPointers(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if holdsPointers(t.Field(i).Type) {
				return true
			}
		}
		return false
	case reflect.Pointer, reflect.UnsafePointer, reflect.Chan, reflect.Func,
		reflect.Interface, reflect.Map, reflect.Slice, reflect.String:
		return true
	default:
		return false
	}
}
