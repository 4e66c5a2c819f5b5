// Package failurejson reads what clients say about a record that they could not process.
package failurejson

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
)

// LongestDelay bounds the time until a released record comes again.
const LongestDelay = 24 * time.Hour

// fields are the texts of a failure, and how many bytes each may have. A dead letter has as much of them as fits.
var fields = map[string]struct {
	most int
	in   func(*kafka.Failure) *string
}{
	"class":     {256, func(f *kafka.Failure) *string { return &f.Class }},
	"message":   {4 << 10, func(f *kafka.Failure) *string { return &f.Message }},
	"backtrace": {64 << 10, func(f *kafka.Failure) *string { return &f.Backtrace }},
}

// Field reads a member of an object, whose value is raw. known is false when a failure has no member of that name. null is as if
// the member were not there.
func Field(to *kafka.Failure, name string, raw []byte) (known bool, err error) {
	field, known := fields[name]
	switch {
	case !known || string(raw) == "null":
		return known, nil
	case raw[0] != '"':
		return true, jsonscan.Mismatch("%s: %.30s is not a text", name, raw)
	case jsonscan.Unpaired(raw):
		return true, jsonscan.Mismatch("%s: half of a surrogate pair is no character", name)
	}
	text := jsonscan.Unquote(raw)
	if len(text) > field.most {
		return true, jsonscan.Mismatch("%s: %d bytes are more than %d", name, len(text), field.most)
	}
	*field.in(to) = string(text)
	return true, nil
}

// Delay reads delay_ms. null is kafka.ByPolicy.
func Delay(raw []byte) (time.Duration, error) {
	if string(raw) == "null" {
		return kafka.ByPolicy, nil
	}
	n, err := jsonscan.Number("delay_ms", raw, 63)
	if err != nil || n > LongestDelay.Milliseconds() {
		return 0, jsonscan.Mismatch("delay_ms: %.30s is not a number from 0 to %d", raw, LongestDelay.Milliseconds())
	}
	return time.Duration(n) * time.Millisecond, nil
}

// Report is what the JSON of a release or a rejection says.
type Report struct {
	kafka.Failure

	Delay time.Duration // until a released record may come again; kafka.ByPolicy if nothing is said
}

// Members of a report, for errors.
const (
	ofRelease = "delay_ms, class, message or backtrace"
	ofReject  = "class, message or backtrace"
)

// Release reads the JSON of a release.
func Release(text []byte) (Report, error) { return parse(text, ofRelease) }

// Reject reads the JSON of a rejection.
func Reject(text []byte) (Report, error) { return parse(text, ofReject) }

func parse(text []byte, members string) (r Report, err error) {
	r.Delay = kafka.ByPolicy
	shape := func(why error) error {
		return fmt.Errorf("%.100q is not a JSON object with %s: %w", text[:min(len(text), 100)], members, why)
	}
	if !utf8.Valid(text) {
		return r, shape(jsonscan.NotUTF8("it"))
	}
	s := reader{Scanner: jsonscan.New(text), report: &r, members: members}
	if first := s.Peek(); first != '{' {
		return r, shape(s.Unexpected("it is no object"))
	}
	more, err := s.Enter('{')
	for more && err == nil {
		if err = s.member(); err != nil {
			break
		}
		more, err = s.Next('{')
	}
	if err == nil {
		err = s.End()
	}
	if broken, is := err.(*jsonscan.Error); is && broken.Kind == jsonscan.Syntax { //nolint:errorlint // the scanner wraps none
		err = shape(err)
	}
	return r, err
}

// reader reads the members of a report.
type reader struct {
	jsonscan.Scanner

	report  *Report
	members string
	seen    []string
}

func (s *reader) member() error {
	key, err := s.Name()
	if err != nil {
		return err
	}
	name := string(key)
	raw, err := s.Value()
	switch {
	case err != nil:
		return err
	case slices.Contains(s.seen, name):
		return jsonscan.Mismatch("%.60q is there twice", name)
	}
	s.seen = append(s.seen, name)
	known, err := Field(&s.report.Failure, name, raw)
	if name == "delay_ms" && strings.HasPrefix(s.members, name) {
		known = true
		s.report.Delay, err = Delay(raw)
	}
	if err == nil && !known {
		err = jsonscan.Mismatch("%.60q is not one of %s", name, s.members)
	}
	return err
}
