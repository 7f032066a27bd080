package main

import (
	"errors"
	"strconv"
)

// seedFlag is the value of a flag for a seed, whose errors say what is expected.
type seedFlag uint64

func (s *seedFlag) String() string { return strconv.FormatUint(uint64(*s), 10) }

func (s *seedFlag) Type() string { return "uint" }

// Set reads a whole number, in decimal or with one of Go's prefixes.
func (s *seedFlag) Set(text string) error {
	x, err := strconv.ParseUint(text, 0, 64)
	if err != nil {
		return errors.New("expected a whole number from 0 to 18446744073709551615")
	}
	*s = seedFlag(x)
	return nil
}
