package mem

import (
	"os"
	"time"
)

// Options say what an allocator is made of. The zero value is for production.
//
// Debug mode, for a whole process with the environment variable MICRODR_MEMDEBUG set to anything, finds the mistakes of
// callers: see the debugger in debug.go. It costs microseconds and two pages a block.
type Options struct {
	Name     string        // in counters, reports and recordings
	Source   Source        // OS{} if nil
	Clock    Clock         // the system's if nil
	Decay    time.Duration // DefaultDecay if 0; below 0 free pages never go back to the system by themselves
	Recorder Recorder      // told of every block, if set
	Registry *Registry     // knows the allocator, if set
	Debug    bool          // as if MICRODR_MEMDEBUG were set
}

func (o Options) source() Source {
	if o.Source == nil {
		return OS{}
	}
	return o.Source
}

func (o Options) clock() Clock {
	if o.Clock == nil {
		return systemClock{}
	}
	return o.Clock
}

func (o Options) decay() time.Duration {
	if o.Decay == 0 {
		return DefaultDecay
	}
	return o.Decay
}

// A Recorder is told what allocators do, in an order in which no block is free before it was handed out. It must be
// safe for concurrent use. Package study writes such recordings to files.
type Recorder interface {
	// Open returns a number for an allocator that begins its life.
	Open(name string) (allocator uint32)
	// Alloc tells of a block that was handed out, with the alignment asked for.
	Alloc(allocator uint32, block Span, alignment int)
	// Free tells of a block that is about to be taken back.
	Free(allocator uint32, block Span)
	// Rewind tells that an arena is about to take back all its live blocks but the oldest so many.
	Rewind(allocator uint32, blocks int)
}

// debug tells whether the allocator is to find its callers' mistakes.
func (o Options) debug() bool { return o.Debug || os.Getenv("MICRODR_MEMDEBUG") != "" }
