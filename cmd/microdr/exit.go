package main

import (
	"context"
	"errors"
	"os"
	"syscall"

	"github.com/baremetaldevx86/microdr/bench"
	"github.com/baremetaldevx86/microdr/fit"
	"github.com/baremetaldevx86/microdr/train"
)

// Exit codes, as `microdr --help` lists them.
const (
	exitOK          = 0
	exitFailed      = 1   // the work failed, or a check did not hold
	exitUsage       = 2   // the command line is wrong
	exitInput       = 3   // a scene, an image or a model is missing or wrong
	exitOutput      = 4   // a result could not be written
	exitInterrupted = 130 // Ctrl-C (128 + SIGINT)
	exitTerminated  = 143 // SIGTERM (128 + SIGTERM)
)

const exitHelp = `Exit codes:
  0    done
  1    failed, or a check did not hold
  2    the command line is wrong
  3    a scene, an image or a model is missing or wrong
  4    a result could not be written
  130  interrupted (Ctrl-C); what was done until then is written
  143  terminated, likewise`

// usageError is a mistake on the command line.
type usageError struct{ error }

// inputError is a mistake in what was to be read.
type inputError struct{ error }

// outputError is a result that could not be written.
type outputError struct{ error }

// silentError ends with exit code 1; what there is to say has been said.
type silentError struct{ error }

// interruption is the signal that ended the work.
type interruption struct{ signal os.Signal }

func (i interruption) Error() string {
	if i.signal == syscall.SIGTERM {
		return "terminated"
	}
	return "interrupted"
}

func (e usageError) Unwrap() error  { return e.error }
func (e inputError) Unwrap() error  { return e.error }
func (e outputError) Unwrap() error { return e.error }
func (e silentError) Unwrap() error { return e.error }

// isExit reports whether the error says itself what kind it is.
func isExit(err error) bool {
	var u usageError
	var in inputError
	var out outputError
	var s silentError
	return errors.As(err, &u) || errors.As(err, &in) || errors.As(err, &out) || errors.As(err, &s)
}

// exitCode is the code for an error of a command that ran under ctx.
func exitCode(ctx context.Context, err error) int {
	var stopped interruption
	if errors.As(context.Cause(ctx), &stopped) || errors.As(err, &stopped) {
		if stopped.signal == syscall.SIGTERM {
			return exitTerminated
		}
		return exitInterrupted
	}
	var u usageError
	var in inputError
	var out outputError
	switch {
	case errors.As(err, &u):
		return exitUsage
	case errors.As(err, &in):
		return exitInput
	case errors.As(err, &out):
		return exitOutput
	}
	return exitFailed
}

// classify gives an error of the packages below the kind that its exit code
// needs.
func classify(err error) error {
	var in *fit.InputError
	var folder *fit.FolderError
	var measured *bench.InputError
	var checkpoint *train.CheckpointError
	switch {
	case errors.Is(err, bench.ErrNoRow):
		return usageError{err}
	case errors.As(err, &in), errors.As(err, &measured):
		return inputError{err}
	case errors.As(err, &folder), errors.As(err, &checkpoint):
		return outputError{err}
	}
	return err
}
