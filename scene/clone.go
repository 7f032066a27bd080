package scene

import "reflect"

// Clone returns a deep copy of s.
func (s *Scene) Clone() *Scene {
	c := new(Scene)
	*c = *s
	cloneInto(reflect.ValueOf(c).Elem(), reflect.ValueOf(s).Elem())
	return c
}

// cloneInto makes dst, a shallow copy of src, a deep one.
func cloneInto(dst, src reflect.Value) {
	switch src.Kind() {
	case reflect.Pointer:
		if !src.IsNil() {
			dst.Set(reflect.New(src.Type().Elem()))
			dst.Elem().Set(src.Elem())
			cloneInto(dst.Elem(), src.Elem())
		}
	case reflect.Slice:
		if !src.IsNil() {
			dst.Set(reflect.MakeSlice(src.Type(), src.Len(), src.Len()))
			reflect.Copy(dst, src)
			if !refers(src.Type().Elem().Kind()) {
				return
			}
			for i := range src.Len() {
				cloneInto(dst.Index(i), src.Index(i))
			}
		}
	case reflect.Struct:
		for i := range src.NumField() {
			if x := src.Field(i); refers(x.Kind()) {
				cloneInto(dst.Field(i), x)
			}
		}
	}
}

// refers tells of kinds that can refer to something a shallow copy shares.
func refers(k reflect.Kind) bool {
	return k == reflect.Pointer || k == reflect.Slice || k == reflect.Struct
}
