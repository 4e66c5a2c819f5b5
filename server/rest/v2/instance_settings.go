package v2

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
	"github.com/sluice-proxy/sluice/server/recordjson"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// settings are what a client asked for when it made its instance.
type settings struct {
	name       string
	format     recordjson.Format
	autoCommit bool
	minBytes   int           // bytes that a reply waits for
	wait       time.Duration // how long a reply waits; 0 if the client did not say
	takeover   bool          // replaces an instance of the same name
	overrides  kafka.Properties
}

// The bounds of what a client may set.
const (
	mostWait = 10 * time.Minute
	mostMin  = 10_000_000 // as in REST v2: bytes
	mostName = 255
)

// badSetting is the answer for a setting that is unknown, or that has an invalid value.
func badSetting(name, why string) error {
	f := &exchange.Failure{
		Status: http.StatusUnprocessableEntity, Code: exchange.CodeConfig,
		Message: "Invalid consumer configuration: " + name + ": " + why,
	}
	if !anyText[name] {
		f.Bridge = http.StatusBadRequest
	}
	return f
}

// anyText are the settings in which Strimzi's bridge takes any text at first. It answers 400 for what is wrong in others.
var anyText = map[string]bool{"format": true, "auto.offset.reset": true, "isolation.level": true}

// settable are the settings of an instance, in all their spellings. Properties that any consumer may set come in
// addition. Values are strings, numbers, true or false.
var settable = map[string]func(*settings, string) string{
	"name": (*settings).setName,
	"id":   (*settings).setName,
	"format": func(s *settings, v string) string {
		return oneOf(&s.format, strings.ToLower(v), instanceFormats) // Confluent's own clients write JSON
	},
	"auto.commit.enable": (*settings).setAutoCommit,
	"enable.auto.commit": (*settings).setAutoCommit,
	"auto.offset.reset":  func(s *settings, v string) string { return s.override("auto.offset.reset", v) },
	"isolation.level":    func(s *settings, v string) string { return s.override("isolation.level", v) },
	"fetch.min.bytes": func(s *settings, v string) string {
		return between(v, -1, mostMin, func(n int) { s.minBytes = leastBytes(n) })
	},
	"consumer.request.timeout.ms": func(s *settings, v string) string {
		return between(v, 1, int(mostWait.Milliseconds()), func(n int) { s.wait = time.Duration(n) * time.Millisecond })
	},
	"on.conflict": func(s *settings, v string) string {
		return oneOf(&s.takeover, v, map[string]bool{"error": false, "takeover": true})
	},
}

// leastBytes returns how many bytes a reply waits for. Confluent's default is -1: a reply always takes the whole time.
func leastBytes(n int) int {
	if n < 0 {
		return math.MaxInt
	}
	return max(1, n)
}

// settingsOf reads the body that makes an instance. There may be none. Without a word of it about that, replies wait for
// least bytes.
func settingsOf(body []byte, least int) (*settings, error) {
	s := &settings{format: recordjson.Binary, autoCommit: true, minBytes: leastBytes(least), overrides: kafka.Properties{}}
	if len(body) == 0 {
		return s, nil
	}
	err := jsonscan.EachField(body, "the body", func(name string, raw []byte) error {
		set := settable[name]
		if set == nil && kafka.Nameable(name) {
			set = func(s *settings, v string) string { return s.override(name, v) }
		}
		if set == nil {
			return badSetting(name, "there is no such setting")
		}
		if jsonscan.IsNull(raw) {
			return nil
		}
		value, err := jsonscan.Word(name, raw)
		if err != nil {
			return badSetting(name, err.Error())
		}
		if why := set(s, value); why != "" {
			return badSetting(name, why)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (s *settings) setName(v string) string {
	if !legalName(v) {
		return "1 to 255 characters, none of them a control character or a slash"
	}
	s.name = v
	return ""
}

// legalName reports whether an instance may have a name: it is part of a path, and of the log.
func legalName(v string) bool {
	if v == "" || v == "." || v == ".." || len(v) > mostName {
		return false
	}
	for _, r := range v {
		if r == '/' || unicode.IsControl(r) || r == unicode.ReplacementChar {
			return false
		}
	}
	return true
}

func (s *settings) setAutoCommit(v string) string {
	return oneOf(&s.autoCommit, v, map[string]bool{"true": true, "false": false})
}

// override sets a property of the subscription.
func (s *settings) override(name, v string) string {
	one := kafka.Properties{name: v}
	if _, _, err := one.OfClient(); err != nil {
		return err.Error()
	}
	s.overrides[name] = v
	return ""
}

func oneOf[T any](into *T, v string, values map[string]T) string {
	chosen, known := values[v]
	if !known {
		return strconv.Quote(v) + " is not one of its values"
	}
	*into = chosen
	return ""
}

func between(v string, least, most int, set func(int)) string {
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || n < int64(least) || n > min(int64(most), math.MaxInt32) {
		return strconv.Quote(v) + " is not a whole number from " + strconv.Itoa(least) + " to " + strconv.Itoa(most)
	}
	set(int(n))
	return ""
}
