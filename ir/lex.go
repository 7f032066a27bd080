package ir

import (
	"fmt"
	"strconv"
	"strings"
)

// tokenKind says what a token of the text form is.
type tokenKind uint8

const (
	tokEnd    tokenKind = iota
	tokWord             // a name, keyword or number
	tokString           // a quoted name
	tokValue            // %12
	tokPunct            // one of ( ) [ ] { } = , @ # and ->
)

// token is a piece of text; for a string its contents, for a value its digits.
type token struct {
	kind      tokenKind
	text      string
	line, col int
}

func (t token) String() string {
	switch t.kind {
	case tokEnd:
		return "the end of the text"
	case tokValue:
		return "%" + t.text
	case tokString:
		return strconv.Quote(t.text)
	}
	return fmt.Sprintf("%q", t.text)
}

// lexer cuts a text into tokens.
type lexer struct {
	text      string
	at        int // offset of the next byte
	line      int
	lineStart int // offset of the line's first byte
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

func (l *lexer) isWord(i int) bool {
	c := l.text[i]
	arrow := c == '-' && i+1 < len(l.text) && l.text[i+1] == '>'
	return isLetter(c) || isDigit(c) || c == '.' || c == '+' || c == '-' && !arrow
}

func (l *lexer) skip() {
	for l.at < len(l.text) {
		switch c := l.text[l.at]; {
		case c == '\n':
			l.at++
			l.line, l.lineStart = l.line+1, l.at
		case c == ' ' || c == '\t' || c == '\r':
			l.at++
		case strings.HasPrefix(l.text[l.at:], "//"):
			if n := strings.IndexByte(l.text[l.at:], '\n'); n >= 0 {
				l.at += n
			} else {
				l.at = len(l.text)
			}
		default:
			return
		}
	}
}

// next returns the next token; ok is false where no token can start or a string does not end.
func (l *lexer) next() (t token, ok bool) {
	l.skip()
	t = token{line: l.line, col: l.at - l.lineStart + 1}
	if l.at == len(l.text) {
		return t, true
	}
	start := l.at
	switch c := l.text[l.at]; {
	case c == '"':
		return l.quoted(t)
	case l.isWord(l.at):
		for l.at < len(l.text) && l.isWord(l.at) {
			l.at++
		}
		t.kind, t.text = tokWord, l.text[start:l.at]
	case c == '%':
		l.at++
		for l.at < len(l.text) && isDigit(l.text[l.at]) {
			l.at++
		}
		t.kind, t.text = tokValue, l.text[start+1:l.at]
	case c == '-': // isWord refused it, so a > follows
		l.at += 2
		t.kind, t.text = tokPunct, "->"
	case strings.IndexByte("()[]{}=,@#", c) >= 0:
		l.at++
		t.kind, t.text = tokPunct, string(c)
	default:
		t.text = string([]rune(l.text[l.at:min(len(l.text), l.at+4)])[:1])
		return t, false
	}
	return t, true
}

func (l *lexer) quoted(t token) (token, bool) {
	quoted, err := strconv.QuotedPrefix(l.text[l.at:])
	if err != nil {
		t.text = "\""
		return t, false
	}
	t.kind = tokString
	t.text, err = strconv.Unquote(quoted)
	l.at += len(quoted)
	return t, err == nil
}
