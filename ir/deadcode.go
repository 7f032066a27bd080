package ir

// DeadCode drops the nodes that no effect and no result needs, and loop states that nothing reads.
func DeadCode(m *Module, p *Program) *Program { return drop(m, p, needed(p)) }
