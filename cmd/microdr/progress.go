package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// How often the progress is shown.
const (
	onTerminal = 100 * time.Millisecond
	inLog      = 5 * time.Second
)

// progress shows how far the work is: on a terminal one line that is written
// over, anywhere else a line now and then.
type progress struct {
	w     io.Writer
	file  *os.File // the terminal; nil if it is none
	last  time.Time
	shown bool // a line stands on the terminal
	off   bool
}

func newProgress(w io.Writer, quiet bool) *progress {
	p := &progress{w: w, off: quiet, last: time.Now()}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.file, p.last = f, time.Time{}
	}
	return p
}

// show replaces the line; force shows it however soon after the one before.
func (p *progress) show(line string, force bool) {
	if p.off {
		return
	}
	now := time.Now()
	wait := inLog
	if p.file != nil {
		wait = onTerminal
	}
	if !force && now.Sub(p.last) < wait {
		return
	}
	p.last = now
	if p.file == nil {
		fmt.Fprintln(p.w, line)
		return
	}
	if width, _, err := term.GetSize(int(p.file.Fd())); err == nil {
		line = clip(line, width-1)
	}
	fmt.Fprintf(p.w, "\r%s\x1b[K", line)
	p.shown = true
}

// clear takes the line off the terminal, for what follows it.
func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}

func clip(line string, width int) string {
	runes := []rune(line)
	if width < 1 || len(runes) <= width {
		return line
	}
	return string(runes[:width])
}

// left estimates the time that the rest of the work takes, from the pace so
// far: "about 12 s left", or nothing before there is a pace.
func left(done, total int, elapsed float64) string {
	if done <= 0 || total <= done || elapsed <= 0 {
		return ""
	}
	rest := time.Duration(elapsed / float64(done) * float64(total-done) * float64(time.Second))
	switch {
	case rest < 10*time.Second:
		return fmt.Sprintf("about %.1f s left", rest.Seconds())
	case rest < 2*time.Minute:
		return fmt.Sprintf("about %.0f s left", rest.Seconds())
	}
	return fmt.Sprintf("about %.0f min left", rest.Minutes())
}

// pace is done per second: "3.2/s", or "4.1 s each" where that is slower.
func pace(done int, elapsed float64) string {
	if done <= 0 || elapsed <= 0 {
		return ""
	}
	if rate := float64(done) / elapsed; rate >= 1 {
		return fmt.Sprintf("%.1f/s", rate)
	}
	return fmt.Sprintf("%.1f s each", elapsed/float64(done))
}
