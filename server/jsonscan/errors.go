package jsonscan

import "fmt"

// Kind tells what is wrong with a text.
type Kind int

const (
	// Syntax is a text that is not JSON, or not UTF-8.
	Syntax Kind = iota
	// Shape is JSON that is not what the caller asked for.
	Shape
	// TooMany is a list that is longer than it may be.
	TooMany
)

// Error is what is wrong with a text. Its message goes to the client as it is.
type Error struct {
	Kind    Kind
	message string
}

// Error returns the message for the client.
func (e *Error) Error() string { return e.message }

func syntaxError(at int, what string) error {
	return &Error{Syntax, fmt.Sprintf("invalid JSON at byte %d: %s", at, what)}
}

// Mismatch returns an error of kind Shape.
func Mismatch(format string, values ...any) error {
	return &Error{Shape, fmt.Sprintf(format, values...)}
}

// Excess returns an error of kind TooMany.
func Excess(format string, values ...any) error {
	return &Error{TooMany, fmt.Sprintf(format, values...)}
}

// NotUTF8 returns the error for a text that is not UTF-8: "the body", say.
func NotUTF8(what string) error {
	return &Error{Syntax, what + " is not UTF-8"}
}
