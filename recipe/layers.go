package recipe

import (
	"math"

	"github.com/baremetaldevx86/microdr/nn"
	"github.com/baremetaldevx86/microdr/tensor"
)

// layerKind is a row of the table of layers.
type layerKind struct {
	name   string
	fields []field // the first one may stand alone
	make   func(b *builder, v values) nn.Module
}

// plain is a layer without fields.
func plain(name string, f nn.Func) layerKind {
	return layerKind{name: name, make: func(*builder, values) nn.Module { return f }}
}

// starts are the first values of weights, by their names.
func starts() map[string]nn.Initialiser {
	return map[string]nn.Initialiser{
		"he-uniform": nn.HeUniform, "he-normal": nn.HeNormal, "orthogonal": nn.Orthogonal(1),
		"xavier-uniform": nn.XavierUniform, "xavier-normal": nn.XavierNormal,
	}
}

func startField(standard string) field {
	return field{key: "start", kind: word, standard: standard,
		choices: []string{"he-uniform", "he-normal", "xavier-uniform", "xavier-normal", "orthogonal"}}
}

// natural is a field of a whole number of at least 1; a standard of 0 stands for what the layer says.
func natural(key string, standard any) field {
	return field{key: key, kind: whole, least: 1, most: 1 << 20, standard: standard}
}

// layerKinds is the table of layers.
func layerKinds() []layerKind {
	bias := field{key: "bias", kind: truth, standard: true}
	pool := []field{natural("size", 2.0), natural("stride", 0.0)}
	return []layerKind{
		{"linear", []field{natural("out", nil), bias, startField("xavier-uniform")}, makeLinear},
		{"conv", []field{natural("filters", nil), natural("size", 3.0), natural("stride", 1.0),
			{key: "pad", kind: whole, most: 1 << 10, standard: -1.0}, bias, startField("he-uniform")}, makeConv},
		{"batchnorm", []field{{key: "momentum", most: 1, standard: 0.1}}, makeBatchNorm},
		{"layernorm", nil, makeLayerNorm},
		{"dropout", []field{{key: "rate", most: 0.99}}, makeDropout},
		{"maxpool", pool, makePool(nn.MaxPool2D)},
		{"avgpool", pool, makePool(nn.AvgPool2D)},
		plain("globalpool", func(x *tensor.Tensor) *tensor.Tensor { return x.Mean(-2, -1) }),
		plain("flatten", nn.Flatten),
		plain("relu", nn.ReLU),
		{"leakyrelu", []field{{key: "slope", most: 1, standard: 0.01}}, func(_ *builder, v values) nn.Module {
			return nn.LeakyReLU(v.number("slope"))
		}},
		{"elu", []field{{key: "alpha", most: math.Inf(1), standard: 1.0}}, func(_ *builder, v values) nn.Module {
			return nn.ELU(v.number("alpha"))
		}},
		plain("gelu", nn.GELU),
		plain("silu", nn.SiLU),
		plain("tanh", nn.Tanh),
		plain("sigmoid", nn.Sigmoid),
		{"residual", []field{{key: "layers", kind: layers}}, nil}, // see builder.layer
	}
}

func layerNames(table []layerKind) []string {
	names := make([]string, len(table))
	for i, k := range table {
		names[i] = k.name
	}
	return names
}

func options(v values) []nn.Option {
	list := []nn.Option{nn.Weights(starts()[v.word("start")])}
	if !v.truth("bias") {
		list = append(list, nn.NoBias())
	}
	return list
}

func makeLinear(b *builder, v values) nn.Module {
	return nn.NewLinear(b.random, b.x.Dim(-1), v.whole("out"), options(v)...)
}

func makeConv(b *builder, v values) nn.Module {
	size, stride, pad := v.whole("size"), v.whole("stride"), v.whole("pad")
	if pad < 0 { // as much as keeps the extents of the image at a stride of 1
		pad = (size - 1) / 2
	}
	w := tensor.Window{Stride: [2]int{stride, stride}, Pad: [2][2]int{{pad, pad}, {pad, pad}}}
	return nn.NewConv2D(b.random, b.channels(), v.whole("filters"), [2]int{size, size}, w, options(v)...)
}

func makeBatchNorm(b *builder, v values) nn.Module {
	n := nn.NewBatchNorm(b.x.Engine(), b.channels())
	n.Momentum = v.number("momentum")
	return n
}

func makeLayerNorm(b *builder, _ values) nn.Module {
	return nn.NewLayerNorm(b.x.Engine(), b.x.Shape()[1:]...)
}

func makeDropout(_ *builder, v values) nn.Module { return &nn.Dropout{Rate: v.number("rate")} }

func makePool(pool func(size [2]int, w tensor.Window) nn.Func) func(*builder, values) nn.Module {
	return func(_ *builder, v values) nn.Module {
		size, stride := v.whole("size"), v.whole("stride") // 0, the standard, is the size to pools
		return pool([2]int{size, size}, tensor.Window{Stride: [2]int{stride, stride}})
	}
}
