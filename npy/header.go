package npy

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/baremetaldevx86/microdr/array"
)

// header is what the dictionary before the data says.
type header struct {
	kind      array.Type
	bigEndian bool
	fortran   bool
	shape     []int
}

// parser reads the literal of a Python dictionary, of the few kinds that occur: strings, truth values, tuples of sizes.
type parser struct {
	text string
	at   int
}

// parseHeader reads {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }, with the keys in any order and each
// once. The number is the byte of the text at which an error lies.
func parseHeader(text string) (*header, int, error) {
	p := &parser{text: text}
	h, err := p.dictionary()
	if err == nil {
		p.peek()
		if p.at < len(text) { // peek's 0 may also be a byte of the text
			err = p.unexpected("the end of the header")
		}
	}
	return h, p.at, err
}

func (p *parser) dictionary() (*header, error) {
	h := &header{}
	missing := map[string]func(*header) error{"descr": p.descr, "fortran_order": p.order, "shape": p.shape}
	if err := p.expect('{'); err != nil {
		return nil, err
	}
	for p.peek() != '}' {
		start := p.at
		key, err := p.str()
		if err != nil {
			return nil, err
		}
		value := missing[key]
		if value == nil {
			p.at = start
			return nil, fmt.Errorf("key %q, expected descr, fortran_order and shape, each once", key)
		}
		delete(missing, key)
		if err := p.expect(':'); err != nil {
			return nil, err
		}
		if err := value(h); err != nil {
			return nil, err
		}
		if p.peek() != ',' {
			break
		}
		p.at++
	}
	if err := p.expect('}'); err != nil {
		return nil, err
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if missing[key] != nil {
			return nil, fmt.Errorf("no key '%s', expected one", key)
		}
	}
	return h, nil
}

// peek passes over white space and returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
	if p.at == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

func (p *parser) expect(c byte) error {
	if p.peek() != c || p.at == len(p.text) {
		return p.unexpected(fmt.Sprintf("'%c'", c))
	}
	p.at++
	return nil
}

func (p *parser) unexpected(want string) error {
	if p.peek() == 0 && p.at == len(p.text) {
		return fmt.Errorf("expected %s, found the end", want)
	}
	return fmt.Errorf("expected %s, found %.20q", want, p.text[p.at:])
}

// str reads a string in single or double quotes. No escapes: neither keys nor types need any.
func (p *parser) str() (string, error) {
	quote := p.peek()
	if quote != '\'' && quote != '"' {
		return "", p.unexpected("a string")
	}
	length := strings.IndexByte(p.text[p.at+1:], quote)
	if length < 0 {
		return "", p.unexpected("a string with an end")
	}
	s := p.text[p.at+1:][:length]
	p.at += length + 2
	return s, nil
}

// descr reads the type: byte order, kind and size. '|' is for single bytes. '=' depends on the machine that wrote the
// file, which is unknown; NumPy never writes it.
func (p *parser) descr(h *header) error {
	if p.peek() == '[' {
		return p.unexpected("a plain element type and not a structured one")
	}
	start := p.at
	s, err := p.str()
	if err != nil {
		return err
	}
	order, kind := s[:min(1, len(s))], array.Type(s[min(1, len(s)):])
	single := kind.Size() == 1
	if kind.Size() == 0 || kind == array.BFloat16 || order != "<" && order != ">" && (order != "|" || !single) {
		p.at = start
		return fmt.Errorf("descr '%.20s', expected '<' or '>' and f2, f4, f8, i2, i4, i8, u2, u4 or u8, or |i1, |u1 or |b1",
			s)
	}
	h.kind, h.bigEndian = kind, order == ">" && !single
	return nil
}

func (p *parser) order(h *header) error {
	for word, value := range map[string]bool{"True": true, "False": false} {
		if p.peek() == word[0] && strings.HasPrefix(p.text[p.at:], word) {
			p.at += len(word)
			h.fortran = value
			return nil
		}
	}
	return p.unexpected("fortran_order to be True or False")
}

// shape reads (), (n,) or (n, m) with or without a comma at the end.
func (p *parser) shape(h *header) error {
	if err := p.expect('('); err != nil {
		return err
	}
	h.shape = []int{}
	comma := true
	for p.peek() != ')' {
		if !comma {
			return p.unexpected("',' or ')'")
		}
		side, err := p.size()
		if err != nil {
			return err
		}
		h.shape = append(h.shape, side)
		if comma = p.peek() == ','; comma {
			p.at++
		}
	}
	if len(h.shape) == 1 && !comma {
		return p.unexpected("a tuple of one to have a comma before its")
	}
	p.at++
	return nil
}

// size reads an integer; Python 2 gave long ones an L.
func (p *parser) size() (int, error) {
	p.peek()
	digits := 0
	for p.at+digits < len(p.text) && p.text[p.at+digits] >= '0' && p.text[p.at+digits] <= '9' {
		digits++
	}
	side, err := strconv.Atoi(p.text[p.at:][:digits])
	if err != nil {
		return 0, p.unexpected("a size")
	}
	p.at += digits
	if p.at < len(p.text) && p.text[p.at] == 'L' {
		p.at++
	}
	return side, nil
}
