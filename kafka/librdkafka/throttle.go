package librdkafka

// #include "sluice.h"
import "C"

import "time"

// Throttle is how a broker delays the answers to a client that exceeds a quota.
type Throttle struct {
	Broker int32
	By     time.Duration // the delay of one answer
	Ago    time.Duration // since the last such answer
}

// LastThrottle is what brokers last told producers of this process, or consumers; false when no quota was exceeded yet.
func LastThrottle(producers bool) (Throttle, bool) {
	kind := C.rd_kafka_type_t(C.RD_KAFKA_CONSUMER)
	if producers {
		kind = C.RD_KAFKA_PRODUCER
	}
	last := C.sluice_last_throttle(kind)
	return Throttle{Broker: int32(last.broker), By: time.Duration(last.ms) * time.Millisecond, Ago: time.Duration(last.ago)}, last.ago >= 0
}
