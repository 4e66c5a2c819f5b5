package failures

import (
	"strconv"
	"time"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// Found is what a dead letter says of itself. What it does not say is zero, or -1 for numbers that may be 0.
type Found struct {
	Source          record.TopicPartition
	Offset          int64
	SourceTimestamp int64 // milliseconds since the epoch
	Group           string
	Failure         Failure
	Attempts        int
	First, Last     time.Time // failures
	Client, Trace   string
	Replays         int
	Pointer         bool            // parts of the source are left out
	SourceSize      int             // bytes, of a pointer
	Headers         []record.Header // of the source
}

// Find reads a dead letter. It returns false for another record. Headers may have been added behind ours since.
func Find(r *record.Record) (f Found, is bool) {
	said := map[string]string{}
	for _, h := range r.Headers {
		if ours[h.Name] {
			said[h.Name] = string(h.Value)
		}
	}
	number := func(name string) int64 {
		n, err := strconv.ParseInt(said[name], 10, 64)
		if err != nil {
			return -1
		}
		return n
	}
	at := func(name string) time.Time {
		if ms := number(name); ms >= 0 {
			return time.UnixMilli(ms)
		}
		return time.Time{}
	}
	f = Found{
		Source: record.TopicPartition{Topic: said[headerTopic], Partition: int32(number(headerPartition))},
		Offset: number(headerOffset), SourceTimestamp: number(headerSourceTimestamp),
		Group: said[headerGroup],
		Failure: Failure{
			Reason: Reason(said[headerReason]), Class: said[headerClass], Message: said[headerMessage], Backtrace: said[headerBacktrace],
		},
		Attempts: int(number(headerDeliveryCount)), First: at(headerFirstFailedAt), Last: at(headerFailedAt),
		Client: said[headerClient], Trace: said[headerSourceTrace], Replays: int(number(headerReplays)),
		Pointer: said[headerPointer] == "true", SourceSize: int(number(headerSourceSize)),
		Headers: original(r.Headers),
	}
	return f, said[headerTopic] != ""
}
