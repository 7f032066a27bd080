package mem

// Options say what an allocator is made of. The zero value is for production.
type Options struct {
	Name     string   // in counters, reports and recordings
	Source   Source   // OS{} if nil
	Recorder Recorder // told of every block, if set
}

func (o Options) source() Source {
	if o.Source == nil {
		return OS{}
	}
	return o.Source
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
