// Package bench holds the measurements behind `microdr bench` and `microdr kernel --profile`: work of ours timed beside
// something that runs in the same minute on the same machine, round by round in turn, as medians and ratios. It must
// not know how any of it is made fast, nor assert anything: it reports. Start with row.go (the form of every result),
// then rounds.go (how sides are timed), suite.go (how rows are chosen and made), kernels.go (lane programs), openblas.go
// (matrix products and convolutions), tensors.go (functions of tensors), c/ (the baselines in C) and profile.go (the stages
// of a kernel beside the machine's peaks).
package bench
