// Package bench holds the measurements behind `microdr bench`: work of ours timed beside a baseline that runs in the
// same minute on the same machine, round by round in turn, as medians and ratios. It must not know how any of it is
// made fast, nor assert anything: it reports. Start with row.go (the form of every result), then rounds.go (how two
// sides are timed), kernels.go (the table of measurements) and c/ (the baselines in C).
package bench
