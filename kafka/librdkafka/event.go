package librdkafka

// #include "sluice.h"
import "C"

// The events of a handle's queue.
const (
	eventReport    = C.RD_KAFKA_EVENT_DR
	eventLog       = C.RD_KAFKA_EVENT_LOG
	eventError     = C.RD_KAFKA_EVENT_ERROR
	eventRebalance = C.RD_KAFKA_EVENT_REBALANCE
	eventCommit    = C.RD_KAFKA_EVENT_OFFSET_COMMIT
	eventStats     = C.RD_KAFKA_EVENT_STATS
)

// Partition names a partition of a topic, with an offset where one belongs to it.
type Partition struct {
	Topic  string
	ID     int32
	Offset int64
	// Metadata is the text that is, or is to be, committed with the offset.
	Metadata string
	// Err is the error of this partition alone, after a call or in a commit's result.
	Err Code
}

// Kind is the kind of an Event.
type Kind int

// The kinds of events. Stats are librdkafka's statistics, Log is a line of its log.
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
	Ticket     uint64 // of a Committed: the ticket of the Commit, 0 for a commit of librdkafka's own
	Partitions []Partition
}

// read copies an event into Go memory. Delivery reports are not copied: they stay in the event until they are moved out.
func read(ev *C.rd_kafka_event_t, kind C.rd_kafka_event_type_t) Event {
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
