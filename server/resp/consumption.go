package resp

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

// consumption is what a client's first BLPOP asked for: what to consume, and in which shape.
type consumption struct {
	kafka.Interest
	identity kafka.Identity
	key      []byte // as the client wrote it
	batch    int    // records of one reply
	batched  bool   // replies are arrays of records
	shape    func(*protocol.Encoder, *kafka.Delivery)
	settings map[string]string // all of the JSON
}

// differs names a setting of a later key that is not as it was first; "" when there is none. A key
// without settings agrees with any.
func (c *consumption) differs(later *consumption) string {
	if len(later.settings) == 0 {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(merged(c.settings, later.settings))) {
		was, set := c.settings[name]
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

// is tells, cheaply, whether the key is the one that was read already.
func (c *consumption) is(id kafka.Identity, key []byte) bool {
	return c.identity == id && bytes.Equal(c.key, key)
}

// maxBatch bounds sluice.batch.
const maxBatch = 1000

// options are the sluice.* keys of the JSON. Each checks its value and says what it takes.
var options = map[string]func(*consumption, string) error{
	"sluice.ack":   setAck,
	"sluice.reply": setReply,
	"sluice.batch": setBatch,
}

// parseConsumption reads the JSON of a consumer key: librdkafka properties and sluice's options.
func parseConsumption(id kafka.Identity, key []byte, topics []string, overrides []byte) (*consumption, error) {
	c := &consumption{identity: id, key: bytes.Clone(key), batch: 1, shape: shapeRafka}
	c.Topics = topics
	values, err := parseOverrides(overrides)
	if err != nil {
		return nil, err
	}
	c.Overrides, c.settings = kafka.Properties{}, values
	for name, value := range values {
		if err := c.set(name, value); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *consumption) set(name, value string) error {
	if option := options[name]; option != nil {
		return option(c, value)
	}
	switch {
	case strings.HasPrefix(name, "sluice."):
		return fmt.Errorf("%s=%s: no such option: there are sluice.ack, sluice.reply and sluice.batch", name, value)
	case name == "enable.auto.offset.store":
		return c.setAutoStore(value)
	}
	c.Overrides[name] = value
	return nil
}

// setAutoStore maps librdkafka's own property to what its users expect of it: the next BLPOP
// acknowledges.
func (c *consumption) setAutoStore(value string) error {
	auto, err := strconv.ParseBool(value)
	if err != nil {
		return fmt.Errorf("enable.auto.offset.store=%s: neither true nor false", value)
	}
	if auto {
		c.Ack = kafka.AckNext
	}
	return nil
}

// parseOverrides reads a flat JSON object; its values become librdkafka's strings.
func parseOverrides(text []byte) (map[string]string, error) {
	if len(text) == 0 {
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return nil, fmt.Errorf("consumer settings are not a JSON object: %w: %s", err, cut(text, 100))
	}
	if decoder.More() {
		return nil, fmt.Errorf("consumer settings are not one JSON object: there is more behind it: %s", cut(text[decoder.InputOffset():], 100))
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

func setAck(c *consumption, value string) error {
	modes := map[string]kafka.AckMode{"explicit": kafka.AckExplicit, "auto": kafka.AckNext, "none": kafka.AckNone}
	mode, known := modes[value]
	if !known {
		return fmt.Errorf("sluice.ack=%s: must be explicit, auto or none", value)
	}
	c.Ack = mode
	return nil
}

func setReply(c *consumption, value string) error {
	shapes := map[string]func(*protocol.Encoder, *kafka.Delivery){
		"rafka": shapeRafka, "strings": shapeStrings, "full": shapeFull, "pair": shapePair,
	}
	shape := shapes[value]
	if shape == nil {
		return fmt.Errorf("sluice.reply=%s: must be rafka, strings, full or pair", value)
	}
	c.shape = shape
	return nil
}

func setBatch(c *consumption, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > maxBatch {
		return fmt.Errorf("sluice.batch=%s: must be a number from 1 to %d", value, maxBatch)
	}
	c.batch, c.batched = n, true
	return nil
}

// reply encodes the records as the client asked for them.
func (c *consumption) reply(out *protocol.Encoder, lent []kafka.Delivery) {
	if c.batched {
		out.Array(len(lent))
	}
	for i := range lent {
		c.shape(out, &lent[i])
	}
}

// shapeRafka is Rafka's reply: an array of exactly eight, in RESP3 too.
func shapeRafka(out *protocol.Encoder, d *kafka.Delivery) {
	out.Array(8)
	place(out, d)
	out.BulkString("value")
	bulkOrNull(out, d.Value)
}

// place encodes where a record stands.
func place(out *protocol.Encoder, d *kafka.Delivery) {
	out.BulkString("topic")
	out.BulkString(d.Topic)
	out.BulkString("partition")
	out.Int(int64(d.Partition))
	out.BulkString("offset")
	out.Int(d.Offset)
}

// bulkOrNull keeps a tombstone apart from an empty value.
func bulkOrNull(out *protocol.Encoder, b []byte) {
	if b == nil {
		out.Null()
		return
	}
	out.Bulk(b)
}

// shapeStrings has no integers, for clients whose typed BLPOP reads strings only.
func shapeStrings(out *protocol.Encoder, d *kafka.Delivery) {
	out.Array(8)
	out.BulkString("topic")
	out.BulkString(d.Topic)
	out.BulkString("partition")
	out.BulkString(strconv.Itoa(int(d.Partition)))
	out.BulkString("offset")
	out.BulkString(strconv.FormatInt(d.Offset, 10))
	out.BulkString("value")
	out.Bulk(d.Value)
}

// shapeFull adds all that is known of a record.
func shapeFull(out *protocol.Encoder, d *kafka.Delivery) {
	out.Array(16)
	place(out, d)
	out.BulkString("value")
	bulkOrNull(out, d.Value)
	out.BulkString("key")
	bulkOrNull(out, d.Key)
	out.BulkString("timestamp")
	out.Int(d.Timestamp)
	out.BulkString("headers")
	out.Array(2 * len(d.Headers))
	for _, h := range d.Headers {
		out.BulkString(h.Name)
		bulkOrNull(out, h.Value)
	}
	out.BulkString("attempt")
	out.Int(int64(d.Attempt))
}

// shapePair is what BLPOP of a Redis list answers: the key and the value.
func shapePair(out *protocol.Encoder, d *kafka.Delivery) {
	out.Array(2)
	out.BulkString("topics:" + d.Topic)
	out.Bulk(d.Value)
}
