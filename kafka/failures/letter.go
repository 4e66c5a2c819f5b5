package failures

import (
	"strconv"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// Letter is a record that is given up, with all that is needed to understand why.
type Letter struct {
	Topic    string // the dead-letter topic
	Source   record.Record
	Group    string
	Failure  Failure
	Attempts int       // how often the record was lent and not accepted
	First    time.Time // when it failed first
	Now      time.Time
	Client   string // who had the record last; empty when nobody had
	Replays  int    // how often it was replayed; if 0, as the source's header says
}

// The bounds of what clients say, in bytes.
const (
	mostBacktrace = 8 << 10
	mostMessage   = 4 << 10
	mostClass     = 256
	mostName      = 256 // of the client
)

// The headers of dead letters. The first six are KIP-1191's. Karafka's tools read the source_ ones.
const (
	headerTopic         = "__dlq.errors.topic"
	headerPartition     = "__dlq.errors.partition"
	headerOffset        = "__dlq.errors.offset"
	headerGroup         = "__dlq.errors.group"
	headerDeliveryCount = "__dlq.errors.delivery.count"
	headerMessage       = "__dlq.errors.message"

	headerSourceTopic     = "source_topic"
	headerSourcePartition = "source_partition"
	headerSourceOffset    = "source_offset"
	headerSourceGroup     = "source_consumer_group"
	headerSourceAttempts  = "source_attempts"
	headerSourceTrace     = "source_trace_id"

	headerReason          = "dlq-reason"
	headerClass           = "dlq-error-class"
	headerBacktrace       = "dlq-error-backtrace"
	headerFailedAt        = "dlq-failed-at"
	headerFirstFailedAt   = "dlq-first-failed-at"
	headerSourceTimestamp = "dlq-source-timestamp"
	headerClient          = "dlq-client"
	headerReplays         = "dlq-replay-count"
	headerPointer         = "dlq-pointer"
	headerSourceSize      = "dlq-source-size"
)

// Record is the dead letter as it is produced, for a dead-letter topic of so many partitions, and with so many bytes at most in a
// batch of its own. It shares memory with the source.
//
// Its key, value and headers are the source's, and our headers are behind them. What is too large is made to fit: first the
// backtrace is cut, then the message. Then parts of the source are left out, the value first, and the letter only points to
// the source. A letter fits into LeastLimit.
func (l *Letter) Record(partitions int32, limit int) record.Record {
	out := record.Record{
		TopicPartition: record.TopicPartition{Topic: l.Topic, Partition: l.Source.Partition % max(1, partitions)},
		Offset:         -1,
		Timestamp:      max(0, l.Now.UnixMilli()),
	}
	for _, keep := range forms {
		keep(&out, &l.Source)
		pointer := !complete(&out, &l.Source)
		facts := l.facts(pointer)
		room := limit - wireSize(&out, facts)
		if room < 0 {
			continue
		}
		out.Headers = append(out.Headers, l.withTexts(facts, room)...)
		return out
	}
	out.Headers = l.smallest(limit)
	return out
}

// LeastLimit is the number of bytes into which every letter fits. librdkafka takes no smaller message.max.bytes.
const LeastLimit = 1000

// forms are what a letter has of its source, the most first.
var forms = []func(to, source *record.Record){
	func(to, source *record.Record) {
		to.Key, to.Value, to.Headers = source.Key, source.Value, original(source.Headers)
	},
	func(to, _ *record.Record) { to.Value = nil },
	func(to, _ *record.Record) { to.Headers = nil },
	func(to, _ *record.Record) { to.Key = nil },
}

// complete tells whether a letter has everything of its source.
func complete(letter, source *record.Record) bool {
	return len(letter.Key) == len(source.Key) && len(letter.Value) == len(source.Value) &&
		len(letter.Headers) == len(original(source.Headers))
}

// original are a record's headers without those of an earlier letter. A record that is replayed, and dies again, has them at its
// end, and would otherwise grow in each round. Headers of the same names that stand elsewhere are the application's. The
// result has no room behind it.
func original(headers []record.Header) []record.Header {
	end := len(headers)
	for end > 0 && ours[headers[end-1].Name] {
		end--
	}
	// The source_ headers are behind other ones of ours. What is before these came from the application.
	for end < len(headers) && strings.HasPrefix(headers[end].Name, "source_") {
		end++
	}
	return headers[:end:end]
}

// facts are our headers besides the texts of the failure.
func (l *Letter) facts(pointer bool) []record.Header {
	partition, offset := decimal(int64(l.Source.Partition)), decimal(l.Source.Offset)
	attempts, group := decimal(int64(l.Attempts)), strings.ToValidUTF8(l.Group, "\uFFFD")
	facts := []record.Header{
		text(headerTopic, l.Source.Topic),
		text(headerPartition, partition),
		text(headerOffset, offset),
		text(headerGroup, group),
		text(headerDeliveryCount, attempts),
		text(headerSourceTopic, l.Source.Topic),
		text(headerSourcePartition, partition),
		text(headerSourceOffset, offset),
		text(headerSourceGroup, group),
		text(headerSourceAttempts, attempts),
		text(headerSourceTrace, traceID(l.Source.Headers)),
		text(headerReason, string(l.Failure.Reason)),
		text(headerClass, bounded(l.Failure.Class, mostClass)),
		text(headerFailedAt, millis(l.Now)),
		text(headerFirstFailedAt, millis(l.First)),
		text(headerSourceTimestamp, timestamp(l.Source.Timestamp)),
		text(headerClient, bounded(l.Client, mostName)),
		text(headerReplays, decimal(int64(l.replays()))),
	}
	if pointer {
		facts = append(facts, text(headerPointer, "true"), text(headerSourceSize, decimal(int64(payload(&l.Source)))))
	}
	return known(facts)
}

// withTexts adds the message and the backtrace, cut to the room that there is. The message stands where KIP-1191 has it.
func (l *Letter) withTexts(facts []record.Header, room int) []record.Header {
	message := fitting(headerMessage, bounded(l.Failure.Message, mostMessage), room)
	room -= sizes(message)
	backtrace := fitting(headerBacktrace, bounded(l.Failure.Backtrace, mostBacktrace), room)
	var all []record.Header
	for _, h := range facts {
		all = append(all, h)
		if h.Name == headerDeliveryCount {
			all = append(all, message...)
		}
	}
	return append(all, backtrace...)
}

// smallest are the headers of a letter that has room for little else than the place of its source.
func (l *Letter) smallest(limit int) []record.Header {
	place := []record.Header{
		text(headerTopic, l.Source.Topic),
		text(headerPartition, decimal(int64(l.Source.Partition))),
		text(headerOffset, decimal(l.Source.Offset)),
		text(headerDeliveryCount, decimal(int64(l.Attempts))),
		text(headerReason, string(l.Failure.Reason)),
		text(headerPointer, "true"),
	}
	room := limit - wireSize(&record.Record{}, place)
	return append(place, fitting(headerGroup, l.Group, room)...)
}

// replays is how often the record was replayed: nobody counts it but the record itself.
func (l *Letter) replays() int {
	if l.Replays > 0 {
		return l.Replays
	}
	for _, h := range l.Source.Headers {
		if h.Name != headerReplays {
			continue
		}
		if n, err := strconv.Atoi(string(h.Value)); err == nil && n > 0 {
			return n
		}
	}
	return 0
}
