package failurejson

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sluice-proxy/sluice/kafka"
)

func TestReports(t *testing.T) {
	for text, want := range map[string]Report{
		`{}`:             {Delay: kafka.ByPolicy},
		`{"delay_ms":0}`: {},
		`{"delay_ms":null,"class":null,"message":null,"backtrace":null}`: {Delay: kafka.ByPolicy},
		` {"delay_ms": 86400000 , "class":"E\u00e9" } `:                  {Delay: 24 * time.Hour, Failure: kafka.Failure{Class: "Eé"}},
		`{"backtrace":"a\n\tb","message":"","class":"Timeout"}`:          {Delay: kafka.ByPolicy, Failure: kafka.Failure{Class: "Timeout", Backtrace: "a\n\tb"}},
		`{"backtrace":"` + strings.Repeat("b", 64<<10) + `"}`:            {Delay: kafka.ByPolicy, Failure: kafka.Failure{Backtrace: strings.Repeat("b", 64<<10)}},
	} {
		if got, err := Release([]byte(text)); err != nil || got != want {
			t.Errorf("%.100s: %.300v %v", text, got, err)
		}
	}
	if got, err := Reject([]byte(`{"class":"E","message":"m"}`)); err != nil || got.Failure != (kafka.Failure{Class: "E", Message: "m"}) {
		t.Errorf("%+v %v", got, err)
	}
}

func TestReportsThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		``:                     "is not a JSON object with delay_ms, class, message or backtrace: invalid JSON at byte 0",
		`{`:                    `"{" is not a JSON object with delay_ms, class, message or backtrace: invalid JSON at byte 1`,
		`[]`:                   "is not a JSON object with delay_ms, class, message or backtrace: it is no object",
		`null`:                 "it is no object",
		`{} {}`:                "expected nothing more",
		"{\"class\":\"\xff\"}": "it is not UTF-8",
		`{"class":"\ud800"}`:   "class: half of a surrogate pair",
		`{"class":7}`:          "class: 7 is not a text",
		`{"message":["a"]}`:    `message: ["a"] is not a text`,
		`{"class":"` + strings.Repeat("c", 257) + `"}`:          "class: 257 bytes are more than 256",
		`{"message":"` + strings.Repeat("é", 2049) + `"}`:       "message: 4098 bytes are more than 4096",
		`{"backtrace":"` + strings.Repeat("b", 64<<10+1) + `"}`: "backtrace: 65537 bytes are more than 65536",
		`{"class":"a","class":"b"}`:                             `"class" is there twice`,
		`{"Class":"a"}`:                                         `"Class" is not one of delay_ms, class, message or backtrace`,
		`{"delay_ms":-1}`:                                       "delay_ms: -1 is not a number from 0 to 86400000",
		`{"delay_ms":1.5}`:                                      "delay_ms: 1.5 is not",
		`{"delay_ms":1e3}`:                                      "delay_ms: 1e3 is not",
		`{"delay_ms":"5"}`:                                      `delay_ms: "5" is not`,
		`{"delay_ms":86400001}`:                                 "delay_ms: 86400001 is not",
		`{"delay_ms":99999999999999999999999999}`:               "delay_ms: 99999999999999999999999999 is not",
	} {
		if _, err := Release([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.100s: %v, want %q", text, err, want)
		}
	}
	if _, err := Reject([]byte(`{"delay_ms":5}`)); err == nil || !strings.Contains(err.Error(), `"delay_ms" is not one of class, message or backtrace`) {
		t.Error(err)
	}
}

// Whatever a client sends, the answer can be read, and what is taken keeps its bounds.
func FuzzReports(f *testing.F) {
	f.Add([]byte(`{"delay_ms":5,"class":"E","message":"\u00e9","backtrace":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Release(text)
		switch {
		case err != nil && (!utf8.ValidString(err.Error()) || len(err.Error()) > 1000):
			t.Errorf("%q", err)
		case err == nil && (len(r.Class) > 256 || len(r.Message) > 4096 || len(r.Backtrace) > 64<<10 || !utf8.ValidString(r.Class+r.Message)):
			t.Errorf("%+v", r)
		case err == nil && (r.Delay < kafka.ByPolicy || r.Delay > LongestDelay):
			t.Error(r.Delay)
		}
	})
}
