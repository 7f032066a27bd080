package kernel

import (
	"encoding/binary"
	"errors"
	"sync"

	"github.com/baremetaldevx86/microdr/ir"
)

// cacheBound is how many programs a cache keeps that no kernel uses.
const cacheBound = 128

// cacheKey is what two stages have in common that the same code serves.
type cacheKey struct {
	program [32]byte // its fingerprint
	sizes   string   // the lanes, and the lengths of the buffers
}

// cached is a program in the cache, or on its way there.
type cached struct {
	key   cacheKey
	code  code
	err   error
	users int
	ready chan struct{} // closed when code and err are set
	last  uint64        // the time of the last use, counted in uses
}

// cache holds the compiled programs of an engine: those in use, and the latest others. Stages that execute the same
// share one. Uniforms are no part of a program, so changing one compiles nothing.
type cache struct {
	mu      sync.Mutex
	entries map[cacheKey]*cached
	clock   uint64
	idle    int // entries that nobody uses
	hits    int
}

// keyOf returns the key of a map stage. Lengths count since the code knows where an index lies in a buffer.
func keyOf(m *ir.Module, s *ir.Stage) cacheKey {
	sizes := make([]byte, 0, 8*(len(m.Buffers)+1))
	sizes = binary.AppendUvarint(sizes, uint64(s.Lanes()))
	for i := range m.Buffers {
		sizes = binary.AppendUvarint(sizes, uint64(m.Buffers[i].Len()))
	}
	return cacheKey{ir.Fingerprint(m, s.Prog), string(sizes)}
}

// get returns the program of a key, made by compile if it is not there, and counts a use of it until put. Others who
// want it meanwhile wait for that.
func (c *cache) get(key cacheKey, compile func() (code, error)) (*cached, error) {
	e, made := c.enter(key)
	switch {
	case e == nil:
		return nil, errClosed
	case made:
		e.code, e.err = compile()
		close(e.ready)
	default:
		<-e.ready
	}
	if e.err != nil {
		c.put(e)
		return nil, e.err
	}
	return e, nil
}

// errClosed is the answer of an engine that has been closed.
var errClosed = errors.New("the engine is closed")

// enter finds an entry or makes one, and counts a use of it; there is none once the cache is closed.
func (c *cache) enter(key cacheKey) (e *cached, made bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		return nil, false
	}
	if e = c.entries[key]; e == nil {
		e, made = &cached{key: key, ready: make(chan struct{})}, true
		c.entries[key] = e
	} else {
		c.hits++
		if e.users == 0 {
			c.idle--
		}
	}
	e.users++
	return e, made
}

// put ends a use. What is unused longest leaves a cache that is full, and what failed to compile at once.
func (c *cache) put(e *cached) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil { // closed, and the code with it
		return nil
	}
	c.clock++
	e.last = c.clock
	if e.users--; e.users > 0 {
		return nil
	}
	c.idle++
	if e.err != nil {
		return c.drop(e)
	}
	if c.idle <= cacheBound {
		return nil
	}
	oldest := e
	for _, x := range c.entries {
		if x.users == 0 && x.last < oldest.last {
			oldest = x
		}
	}
	return c.drop(oldest)
}

// drop removes an unused entry.
func (c *cache) drop(e *cached) error {
	c.idle--
	if c.entries[e.key] == e {
		delete(c.entries, e.key)
	}
	if e.code == nil {
		return nil
	}
	return e.code.close()
}

// close frees all programs.
func (c *cache) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, e := range c.entries {
		if e.code != nil {
			errs = append(errs, e.code.close())
		}
	}
	c.entries = nil
	return errors.Join(errs...)
}
