// Package kernel makes a module runnable: it alone chooses a backend, owns buffers, and cuts stages into tiles for
// workers. Whatever the number of workers and the size of tiles, the bits are the same. It knows nothing of scenes or
// derivatives. Start with Engine (engine.go), then run.go.
package kernel
