// Package blpopkey reads the key of a BLPOP, which says what a client consumes in which shape.
package blpopkey

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/protocol"
)

// Key is what the first BLPOP of a client asked for.
type Key struct {
	kafka.SubscribeOptions

	// Batch is how many records a reply may have.
	Batch int

	text     []byte // as the client wrote it
	identity kafka.Identity
	batched  bool // replies are arrays of records
	format   format
	settings map[string]string // the whole JSON
}

// Differs names a setting of a later key that is not as it was first; "" when there is none. A key without settings
// agrees with any other.
func (k *Key) Differs(later *Key) string {
	if len(later.settings) == 0 {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(merged(k.settings, later.settings))) {
		was, set := k.settings[name]
		if is, still := later.settings[name]; is != was || set != still {
			return name
		}
	}
	return ""
}

func merged(a, b map[string]string) map[string]string {
	all := maps.Clone(b)
	maps.Copy(all, a)
	return all
}

// Is tells, cheaply, whether the text is the one that this key was read from, for the same identity.
func (k *Key) Is(id kafka.Identity, text []byte) bool {
	return k.identity == id && bytes.Equal(k.text, text)
}

// maxBatch bounds sluice.batch.
const maxBatch = 1000

// options are the sluice.* keys of the JSON. Each checks its value and says what it takes.
var options = map[string]func(*Key, string) error{
	"sluice.ack":   setAck,
	"sluice.reply": setReply,
	"sluice.batch": setBatch,
}

// Parse reads the parts of a key: its topics, and its JSON with librdkafka's properties and sluice's options.
func Parse(id kafka.Identity, text []byte, topics []string, settings []byte) (*Key, error) {
	k := &Key{identity: id, text: bytes.Clone(text), Batch: 1, format: formatRafka}
	k.Topics = topics
	values, err := parseSettings(settings)
	if err != nil {
		return nil, err
	}
	k.Overrides, k.settings = kafka.Properties{}, values
	for name, value := range values {
		if err := k.set(name, value); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func (k *Key) set(name, value string) error {
	if option := options[name]; option != nil {
		return option(k, value)
	}
	switch {
	case strings.HasPrefix(name, "sluice."):
		return fmt.Errorf("%s=%s: no such option: there are sluice.ack, sluice.reply and sluice.batch", name, value)
	case name == "enable.auto.offset.store":
		return k.setAutoStore(value)
	}
	k.Overrides[name] = value
	return nil
}

// setAutoStore gives librdkafka's own property the meaning that its users expect: the next BLPOP acknowledges.
func (k *Key) setAutoStore(value string) error {
	auto, err := strconv.ParseBool(value)
	if err != nil {
		return fmt.Errorf("enable.auto.offset.store=%s: neither true nor false", value)
	}
	if auto {
		k.Ack = kafka.AckNext
	}
	return nil
}

// parseSettings reads a flat JSON object. Its values become strings, as librdkafka takes them.
func parseSettings(text []byte) (map[string]string, error) {
	if len(text) == 0 {
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return nil, fmt.Errorf("consumer settings are not a JSON object: %w: %s", err, cut(text))
	}
	if decoder.More() {
		return nil, fmt.Errorf("consumer settings are not one JSON object: there is more behind it: %s", cut(text[decoder.InputOffset():]))
	}
	values := map[string]string{}
	for name, value := range object {
		switch v := value.(type) {
		case string:
			values[name] = v
		case bool:
			values[name] = strconv.FormatBool(v)
		case json.Number:
			values[name] = v.String()
		default:
			return nil, fmt.Errorf("%s: the value must be a string, a number, true or false", name)
		}
	}
	return values, nil
}

// cut is as much of a text as an error shows.
func cut(text []byte) []byte { return text[:min(len(text), 100)] }

func setAck(k *Key, value string) error {
	modes := map[string]kafka.AckMode{"explicit": kafka.AckExplicit, "auto": kafka.AckNext, "none": kafka.AckNone}
	mode, known := modes[value]
	if !known {
		return fmt.Errorf("sluice.ack=%s: must be explicit, auto or none", value)
	}
	k.Ack = mode
	return nil
}

func setReply(k *Key, value string) error {
	formats := map[string]format{"rafka": formatRafka, "strings": formatStrings, "full": formatFull, "pair": formatPair}
	k.format = formats[value]
	if k.format == nil {
		return fmt.Errorf("sluice.reply=%s: must be rafka, strings, full or pair", value)
	}
	return nil
}

func setBatch(k *Key, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > maxBatch {
		return fmt.Errorf("sluice.batch=%s: must be a number from 1 to %d", value, maxBatch)
	}
	k.Batch, k.batched = n, true
	return nil
}

// Reply writes records in the shape that the client asked for.
func (k *Key) Reply(out *protocol.Encoder, records []kafka.Delivery) {
	if k.batched {
		out.Array(len(records))
	}
	for i := range records {
		k.format(out, &records[i])
	}
}
