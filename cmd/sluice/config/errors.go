package config

import "errors"

// Error is a configuration that the program cannot run with.
type Error struct{ Err error }

func (e Error) Error() string { return e.Err.Error() }

// Unwrap is for package errors.
func (e Error) Unwrap() error { return e.Err }

// UsageError is a command line that parses but makes no sense.
type UsageError string

func (e UsageError) Error() string { return string(e) }

var (
	// ErrNoBrokers says that no brokers are given. kafka.brokers is the one setting without a default.
	ErrNoBrokers = errors.New("kafka.brokers: none given: use --brokers A,B, kafka.brokers in the file, or --embedded")
	// errNothingToReload answers a reload when the whole configuration came from the command line.
	errNothingToReload = errors.New("nothing to reload: sluice was started without a configuration file")
)
