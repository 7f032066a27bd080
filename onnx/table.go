package onnx

import "slices"

// name is the full name of an operator. The domain of ONNX's own is empty.
type name struct{ domain, operator string }

// operator is a row of the table. since lists the versions of its operator set in which its meaning changed; eval
// takes care of all of them.
type operator struct {
	name
	eval  func(*call)
	since []int
}

// op is a row for an operator of ONNX's own domain.
func op(operatorName string, eval func(*call), since ...int) operator {
	return operator{name{"", operatorName}, eval, since}
}

// families are the parts of the table.
func families() [][]operator {
	return [][]operator{
		arithmeticOperators(), comparisonOperators(), activationOperators(), reductionOperators(), shapeOperators(),
		creationOperators(), indexOperators(), selectionOperators(), linearOperators(), convolutionOperators(),
		poolingOperators(), normalizationOperators(), lossOperators(), recurrentOperators(), quantizationOperators(),
		controlOperators(), sequenceOperators(), randomOperators(), resizeOperators(), detectionOperators(),
		textOperators(), signalOperators(), trainingOperators(),
	}
}

// operators is the table, by name.
func operators() map[name]operator {
	table := map[name]operator{}
	for _, row := range slices.Concat(families()...) {
		table[row.name] = row
	}
	return table
}

// Operator is a row of the table of supported operators.
type Operator struct {
	Name, Domain string
	Since        []int // versions of the operator set in which its meaning changed; there is none before the first
}

// Operators lists what is supported.
func Operators() []Operator {
	var list []Operator
	for _, row := range slices.Concat(families()...) {
		list = append(list, Operator{row.operator, row.domain, slices.Clone(row.since)})
	}
	return list
}
