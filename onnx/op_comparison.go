package onnx

func comparisonOperators() []operator {
	return []operator{
		op("Equal", comparison("Equal"), 1, 7, 11, 13),
		op("Less", comparison("Less"), 1, 7, 9, 13),
		op("Greater", comparison("Greater"), 1, 7, 9, 13),
		op("LessOrEqual", comparison("LessOrEqual"), 12, 16),
		op("GreaterOrEqual", comparison("GreaterOrEqual"), 12, 16),
		op("And", connective("And"), 1, 7),
		op("Or", connective("Or"), 1, 7),
		op("Xor", connective("Xor"), 1, 7),
		op("Not", func(c *call) { c.out(not(c.in(0))) }, 1),
		op("IsNaN", func(c *call) { c.out(test(c.in(0), true, false, false)) }, 9, 13),
		op("IsInf", evalIsInf, 10),
		op("Where", func(c *call) { c.out(where(c.in(0), c.in(1), c.in(2))) }, 9, 16),
	}
}

func comparison(name string) func(*call) {
	return func(c *call) {
		x, y := c.pair()
		c.out(compare(name, x, y))
	}
}

func connective(name string) func(*call) {
	return func(c *call) {
		x, y := c.pair()
		c.out(logical(name, x, y))
	}
}

func evalIsInf(c *call) {
	above, below := c.flag("detect_positive", true), c.flag("detect_negative", true)
	c.out(test(c.in(0), false, above, below))
}
