package blpopkey

import (
	"strconv"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/protocol"
)

// format writes a record in one of the shapes of sluice.reply.
type format func(*protocol.Encoder, *kafka.Delivery)

// formatRafka is Rafka's reply: an array of exactly eight elements, in RESP3 too.
func formatRafka(out *protocol.Encoder, d *kafka.Delivery) {
	out.Array(8)
	topicPartitionOffset(out, d)
	out.BulkString("value")
	bulkOrNull(out, d.Value)
}

func topicPartitionOffset(out *protocol.Encoder, d *kafka.Delivery) {
	out.BulkString("topic")
	out.BulkString(d.Topic)
	out.BulkString("partition")
	out.Int(int64(d.Partition))
	out.BulkString("offset")
	out.Int(d.Offset)
}

// bulkOrNull tells a tombstone from an empty value.
func bulkOrNull(out *protocol.Encoder, b []byte) {
	if b == nil {
		out.Null()
		return
	}
	out.Bulk(b)
}

// formatStrings has no integers, for clients whose typed BLPOP reads strings only.
func formatStrings(out *protocol.Encoder, d *kafka.Delivery) {
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

// formatFull has all that is known about a record.
func formatFull(out *protocol.Encoder, d *kafka.Delivery) {
	out.Array(16)
	topicPartitionOffset(out, d)
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

// formatPair is what BLPOP of a Redis list answers: the key with the value.
func formatPair(out *protocol.Encoder, d *kafka.Delivery) {
	out.Array(2)
	out.BulkString("topics:" + d.Topic)
	out.Bulk(d.Value)
}
