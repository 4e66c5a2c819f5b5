package management

import "github.com/sluice-proxy/sluice/kafka"

var produceMetrics = []metric{
	{
		"sluice_produce_accepted_messages_total", counter, labels("topic"),
		"Records taken from clients. Each ends in sluice_produce_messages_total; until then it is in sluice_produce_pending_messages. " +
			"A record is counted once its topic is known to exist or not: see sluice_produce_held_messages.",
		func(s *snapshot, out *series) {
			for _, row := range s.produced {
				out.add(float64(row.Accepted), named(row.Topic))
			}
		},
	},
	{
		"sluice_produce_messages_total", counter, labels("topic", "result"),
		"Records that have ended. ok: the brokers have it. rejected: not written, the same record would fail again. " +
			"retry: not written, safe to send again. unknown: it may have been written, sending it again may duplicate it.",
		func(s *snapshot, out *series) {
			for _, row := range s.produced {
				for outcome, n := range row.Ended {
					out.add(float64(n), named(row.Topic), kafka.Outcome(outcome).String())
				}
			}
		},
	},
	{
		"sluice_produce_bytes_total", counter, labels("topic"), "Keys and values of the records taken from clients.",
		func(s *snapshot, out *series) {
			for _, row := range s.produced {
				out.add(float64(row.Bytes), named(row.Topic))
			}
		},
	},
	{
		"sluice_produce_pending_messages", gauge, labels("topic"), "Records taken from clients that have not ended yet. A crash now would leave them in doubt.",
		func(s *snapshot, out *series) {
			for _, row := range s.produced {
				out.add(float64(row.Pending()), named(row.Topic))
			}
		},
	},
	perProfile("sluice_produce_inflight_messages", gauge, "Records of all topics that have not ended yet, held ones included.",
		func(p *kafka.ProfileStatus) int64 { return p.InFlight }),
	perProfile("sluice_produce_held_messages", gauge, "Records that wait for their topic to be looked up; they are in no row by topic yet.",
		func(p *kafka.ProfileStatus) int64 { return p.Held }),
	{
		"sluice_produce_ack_seconds", histogram, labels("profile"),
		"Time from handing a record to librdkafka until its end was known. With profile=\"delivered\" clients wait for it.",
		func(s *snapshot, out *series) {
			for _, p := range s.status.Profiles {
				out.observe(p.AckLatency, p.Name)
			}
		},
	},
	perProfile("sluice_producer_queue_messages", gauge, "Records in librdkafka's queue, waiting for a broker. As old as librdkafka's last statistics, like all that comes from there.",
		func(p *kafka.ProfileStatus) int64 { return p.Queued }),
	perProfile("sluice_producer_queue_messages_limit", gauge, "What the queue may hold in records (queue.buffering.max.messages). When it is full, clients wait and are then told to retry.",
		func(p *kafka.ProfileStatus) int64 { return p.QueueLimit }),
	perProfile("sluice_producer_queue_bytes", gauge, "Memory of the records in librdkafka's queue, which no Go metric counts.",
		func(p *kafka.ProfileStatus) int64 { return p.QueuedBytes }),
	perProfile("sluice_producer_queue_bytes_limit", gauge, "What the queue may hold in bytes (queue.buffering.max.kbytes).",
		func(p *kafka.ProfileStatus) int64 { return p.QueueBytesLimit }),
	{
		"sluice_producer_queue_share_used", gauge, labels("profile"),
		"How near the topic that has most records in the queue, or bytes, has come to its share, which is as much as is still free. At 1 clients wait with its records, and are then told to retry.",
		func(s *snapshot, out *series) {
			for i := range s.status.Profiles {
				out.largest(s.status.Profiles[i].Fullest, s.status.Profiles[i].Name)
			}
		},
	},
	perProfile("sluice_producer_fatal_total", counter, "Times that librdkafka's producer failed for good and was replaced. What was in flight then ended as unknown.",
		func(p *kafka.ProfileStatus) int64 { return p.Fatal }),
	{
		"sluice_produce_unclaimed_reports_total", counter, nil, "Delivery reports that belonged to no client. Anything but 0 is a bug in sluice.",
		func(s *snapshot, out *series) { out.add(float64(s.totals.UnknownEvents)) },
	},
}

// perProfile is a metric with one number for each producer profile.
func perProfile(name string, k kind, help string, read func(*kafka.ProfileStatus) int64) metric {
	return metric{name, k, labels("profile"), help, func(s *snapshot, out *series) {
		for i := range s.status.Profiles {
			out.add(float64(read(&s.status.Profiles[i])), s.status.Profiles[i].Name)
		}
	}}
}
