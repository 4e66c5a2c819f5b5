package librdkafka

// #include "abi.h"
import "C"

// The kinds of Event, as RD_KAFKA_EVENT_* in rdkafka.h.
const (
	eventReport    = 0x1
	eventLog       = 0x4
	eventError     = 0x8
	eventRebalance = 0x10
	eventCommit    = 0x20
	eventStats     = 0x40
)

// Partition names a partition of a topic, with an offset where one belongs to it.
type Partition struct {
	Topic  string
	ID     int32
	Offset int64
	// Err is what went wrong for this partition alone, in a commit's result.
	Err Code
}

// Kind tells what an Event is about.
type Kind int

// The kinds of events; librdkafka's statistics come as Stats, its log lines as Log.
const (
	Nothing Kind = iota
	Reports
	Log
	Failure
	Assign
	Revoke
	Committed
	Stats
)

// Event is something librdkafka reports on a handle's queue.
type Event struct {
	Kind       Kind
	Code       Code
	Fatal      bool
	Text       string
	Level      int    // syslog severity of a Log
	Ticket     uint64 // of the Commit that a Committed is about, 0 for librdkafka's own
	Partitions []Partition
}

// read copies what an event says into Go memory. Delivery reports are not copied: they stay in
// the event until they are moved out.
func read(ev *C.rd_kafka_event_t, kind C.int) Event {
	switch kind {
	case eventReport:
		return Event{Kind: Reports}
	case eventLog:
		var facility, text *C.char
		var level C.int
		C.rd_kafka_event_log(ev, &facility, &text, &level)
		return Event{Kind: Log, Level: int(level), Text: C.GoString(facility) + ": " + C.GoString(text)}
	case eventError:
		return Event{
			Kind: Failure, Code: Code(C.rd_kafka_event_error(ev)), Text: C.GoString(C.rd_kafka_event_error_string(ev)),
			Fatal: C.rd_kafka_event_error_is_fatal(ev) != 0,
		}
	case eventRebalance:
		return readRebalance(ev)
	case eventCommit:
		return Event{
			Kind: Committed, Code: Code(C.rd_kafka_event_error(ev)), Ticket: uint64(C.sluice_ticket(ev)),
			Partitions: partitionsOf(C.rd_kafka_event_topic_partition_list(ev)),
		}
	case eventStats:
		return Event{Kind: Stats, Text: C.GoString(C.rd_kafka_event_stats(ev))}
	}
	return Event{}
}

func readRebalance(ev *C.rd_kafka_event_t) Event {
	event := Event{
		Kind: Revoke, Code: Code(C.rd_kafka_event_error(ev)),
		Partitions: partitionsOf(C.rd_kafka_event_topic_partition_list(ev)),
	}
	if event.Code == AssignPartitions {
		event.Kind = Assign
	}
	return event
}
