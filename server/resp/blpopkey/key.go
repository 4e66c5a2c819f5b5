// Package blpopkey reads the key of a BLPOP, which says what a client consumes in which shape.
package blpopkey

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
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

	// Text is the key as the client wrote it.
	Text []byte
	// Identity is who consumes: the connection's own, but for what the key names of it.
	Identity kafka.Identity
	// Pooled says that the key names the group. Then the connection's name does not matter, and any connection may be it.
	Pooled bool
	// Batch is how many records a reply may have.
	Batch int
	// AckOfCommand says that how records are accepted was not chosen, but comes from the command.
	AckOfCommand bool

	batched  bool // replies are arrays of records
	format   format
	settings map[string]string // the JSON, without the identity
}

// Defaults are what a key means that does not say it. The zero value is what Rafka's clients expect.
type Defaults struct {
	Reply string // sluice.reply; empty for rafka
	Ack   string // sluice.ack; empty for explicit
	// AckOfCommand is Key.AckOfCommand, unless the key says how.
	AckOfCommand bool
}

// Check says what is wrong with defaults that an operator wrote.
func (d Defaults) Check() error { return d.apply(&Key{}) }

func (d Defaults) apply(k *Key) error {
	if err := setReply(k, cmp.Or(d.Reply, "rafka")); err != nil {
		return err
	}
	if err := setAck(k, cmp.Or(d.Ack, "explicit")); err != nil {
		return err
	}
	k.AckOfCommand = d.AckOfCommand
	return nil
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
	return k.Identity == id && bytes.Equal(k.Text, text)
}

// MaxBatch bounds sluice.batch.
const MaxBatch = 1000

// options are the sluice.* keys of the JSON. Each checks its value and says what it takes.
var options = map[string]func(*Key, string) error{
	"sluice.ack":      setAck,
	"sluice.reply":    setReply,
	"sluice.batch":    setBatch,
	"sluice.dispatch": setDispatch,
	"sluice.group":    setGroup,
	"sluice.name":     setName,
}

// Parse reads the parts of a key: its topics, and its JSON with librdkafka's properties and sluice's options. own is the
// connection's identity, without a group if its name has none.
func Parse(text []byte, topics []string, settings []byte, own kafka.Identity, defaults Defaults) (*Key, error) {
	k := &Key{Identity: own, Text: bytes.Clone(text), Batch: 1}
	k.Topics = topics
	if err := defaults.apply(k); err != nil {
		return nil, err
	}
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
	if _, named := values["sluice.name"]; named && k.Identity.Group == "" {
		return nil, errors.New("sluice.name without a group: name it with sluice.group, or with CLIENT SETNAME group:name")
	}
	delete(values, "sluice.group")
	delete(values, "sluice.name")
	return k, nil
}

// ParseIdentity reads the JSON behind a key of RPUSH that settles records: who was lent them. own is as for Parse.
func ParseIdentity(settings []byte, own kafka.Identity) (kafka.Identity, error) {
	values, err := parseSettings(settings)
	if err != nil {
		return own, err
	}
	k := &Key{Identity: own}
	for name, value := range values {
		switch name {
		case "sluice.group", "sluice.name":
		default:
			return own, fmt.Errorf("%s=%s: only sluice.group and sluice.name say who was lent the record", name, value)
		}
		if err := k.set(name, value); err != nil {
			return own, err
		}
	}
	if k.Identity.Group == "" {
		return own, errors.New("whose record? Name sluice.group and sluice.name, as in the key of BLPOP")
	}
	return k.Identity, nil
}

func (k *Key) set(name, value string) error {
	if option := options[name]; option != nil {
		return option(k, value)
	}
	bare, ours := strings.CutPrefix(name, kafka.OverridePrefix)
	switch {
	case ours:
		return k.setPolicy(bare, value)
	case name == "enable.auto.offset.store":
		return k.setAutoStore(value)
	}
	k.Overrides[name] = value
	return nil
}

// setPolicy sets a setting of the group's policy for failed records. Whether the policy lets clients do that is seen when the client
// joins.
func (k *Key) setPolicy(name, value string) error {
	if name == "lease" {
		return fmt.Errorf("sluice.lease=%s: a record that is lent on this port has no time limit: leave it out", value)
	}
	known, err := k.Failures.Set(name, value)
	if known {
		return err
	}
	return fmt.Errorf("%s%s=%s: no such option: there are sluice.ack, sluice.batch, sluice.group, sluice.name and sluice.reply, and what the policy of "+
		"the group may let clients set: sluice.backoff, sluice.dispatch, sluice.max_retries and sluice.on_error", kafka.OverridePrefix, name, value)
}

// setAutoStore gives librdkafka's own property the meaning that its users expect: the next BLPOP acknowledges.
func (k *Key) setAutoStore(value string) error {
	auto, err := strconv.ParseBool(value)
	if err != nil {
		return fmt.Errorf("enable.auto.offset.store=%s: neither true nor false", value)
	}
	if auto {
		k.Ack, k.AckOfCommand = kafka.AckNext, false
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
	k.Ack, k.AckOfCommand = mode, false
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

func setDispatch(k *Key, value string) error {
	k.Dispatch = kafka.Dispatch(value)
	if k.Dispatch != kafka.Ordered && k.Dispatch != kafka.Keyed && k.Dispatch != kafka.Shared {
		return fmt.Errorf("sluice.dispatch=%s: must be ordered, keyed or shared", value)
	}
	return nil
}

// maxName bounds a group and a name, in bytes.
const maxName = 512

func setGroup(k *Key, value string) error {
	k.Identity.Group, k.Pooled = value, true
	return checkName("sluice.group", value, " and colons")
}

func setName(k *Key, value string) error {
	k.Identity.Name, k.Pooled = value, true
	return checkName("sluice.name", value, "")
}

// checkName takes what CLIENT SETNAME takes too, so that an identity can be told either way.
func checkName(option, value, without string) error {
	odd := func(r rune) bool { return r < '!' || r > '~' || r == ':' && without != "" }
	if value == "" || len(value) > maxName || strings.ContainsFunc(value, odd) {
		return fmt.Errorf("%s=%.100q: must be 1 to %d printable ASCII characters without spaces%s", option, value, maxName, without)
	}
	return nil
}

func setBatch(k *Key, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > MaxBatch {
		return fmt.Errorf("sluice.batch=%s: must be a number from 1 to %d", value, MaxBatch)
	}
	k.Batch, k.batched = n, true
	return nil
}

// Name is the key without its JSON.
func (k *Key) Name() string { return "topics:" + strings.Join(k.Topics, ",") }

// Reply writes records in the shape that the client asked for.
func (k *Key) Reply(out *protocol.Encoder, records []kafka.Delivery) {
	if k.batched {
		out.Array(len(records))
	}
	for i := range records {
		k.format(out, &records[i])
	}
}
