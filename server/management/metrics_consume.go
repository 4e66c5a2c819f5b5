package management

import (
	"strconv"

	"github.com/sluice-proxy/sluice/kafka"
)

var consumeMetrics = []metric{
	perRow("sluice_consume_fetched_messages_total", counter, "Records fetched from the brokers for a group.",
		func(r *kafka.GroupTopicCounts) int64 { return r.Fetched }),
	perRow("sluice_consume_lent_messages_total", counter,
		"Leases: records handed to a client to be settled, counted each time. Each ends as accepted, released or rejected; until then it is in sluice_consume_leased_messages.",
		func(r *kafka.GroupTopicCounts) int64 { return r.Lent }),
	perRow("sluice_consume_accepted_messages_total", counter, "Leases that ended with an acknowledgement.",
		func(r *kafka.GroupTopicCounts) int64 { return r.Accepted }),
	perRow("sluice_consume_released_messages_total", counter, "Leases that ended without: given back by the client, or taken back from one that went away or with the partition. Their records come again.",
		func(r *kafka.GroupTopicCounts) int64 { return r.Released }),
	perRow("sluice_consume_rejected_messages_total", counter, "Leases that ended with a rejection: a client said that the record will never succeed.",
		func(r *kafka.GroupTopicCounts) int64 { return r.Rejected }),
	perRow("sluice_consume_redelivered_messages_total", counter, "Leases of records that had been lent before. Many of them: handlers fail, or take longer than they may.",
		func(r *kafka.GroupTopicCounts) int64 { return r.Redelivered }),
	perRow("sluice_consume_stale_settlements_total", counter, "Acknowledgements of records that the client did not owe (any more): it was too late, or did it twice.",
		func(r *kafka.GroupTopicCounts) int64 { return r.Stale }),
	perRow("sluice_consume_skipped_messages_total", counter, "Records that the group was to get and that its log did not hold any more: retention was faster, or auto.offset.reset=latest went to the end.",
		func(r *kafka.GroupTopicCounts) int64 { return r.Skipped }),
	perRow("sluice_consume_leased_messages", gauge, "Records that are with clients now.",
		func(r *kafka.GroupTopicCounts) int64 { return r.Leased }),
	perRow("sluice_standing_record_attempts", gauge, "How often the record that holds back its partition's commits was handed out; the largest over partitions. More than a few: its handlers fail. /status names it.",
		func(r *kafka.GroupTopicCounts) int64 { return int64(r.StandingAttempts) }),
	{
		"sluice_standing_record_age_seconds", gauge, labels("group", "topic"),
		"How long ago the record that holds back its partition's commits was handed out for the first time; the largest over partitions.",
		func(s *snapshot, out *series) {
			for i := range s.consumed {
				row := &s.consumed[i]
				out.largest(seconds(row.StandingAge), named(row.Group), named(row.Topic))
			}
		},
	},
	{
		"sluice_consume_retried_messages_total", counter, labels("group", "attempt"),
		"Leases of records that had failed before, or whose clients had died: attempt 2 is the first retry, 11 stands for all from there on.",
		func(s *snapshot, out *series) {
			for i := range s.failures {
				f := &s.failures[i]
				for before, n := range f.Attempts {
					if before > 0 {
						out.add(float64(n), named(f.Group), strconv.Itoa(before+1))
					}
				}
			}
		},
	},
	{
		"sluice_consume_failures_total", counter, labels("group", "reason"),
		"Attempts that failed. released, rejected: a client said so. lease_expired: it did not settle the record in its time. client_ended: it ended while it held the record. Trials of an open breaker are counted too.",
		func(s *snapshot, out *series) {
			for i := range s.failures {
				for reason, n := range s.failures[i].Failures {
					out.add(float64(n), named(s.failures[i].Group), reason)
				}
			}
		},
	},
	{
		"sluice_consume_dead_messages_total", counter, labels("group", "topic", "class"),
		"Records that were given up: their dead letters are written, or dead_letter: skip drops them. class is the error's, as clients name it; (none): they named none. 200 series at most, others share (other).",
		func(s *snapshot, out *series) {
			for _, d := range s.dead {
				out.add(float64(d.Records), named(d.Group), named(d.Topic), deadClass(&d))
			}
		},
	},
	{
		"sluice_consume_dead_letter_errors_total", counter, labels("group"), "Attempts to write a dead letter that failed. The partition waits, and it is tried again, every 30 s at last.",
		func(s *snapshot, out *series) {
			for i := range s.failures {
				out.add(float64(s.failures[i].LetterErrors), named(s.failures[i].Group))
			}
		},
	},
	perRow("sluice_consume_failing_messages", gauge, "Records that have failed and are not settled.",
		func(r *kafka.GroupTopicCounts) int64 { return int64(r.Failing) }),
	perRow("sluice_consume_held_messages", gauge, "Records that wait: failed ones for their time, others behind one of their key.",
		func(r *kafka.GroupTopicCounts) int64 { return int64(r.Held) }),
	perRow("sluice_consume_dying_messages", gauge, "Records that are given up, and whose dead letters are being written.",
		func(r *kafka.GroupTopicCounts) int64 { return int64(r.Dying) }),
	perRow("sluice_consume_record_deaths", gauge, "Clients that have ended while they held the same record, which is not settled; the largest over records. /status names it.",
		func(r *kafka.GroupTopicCounts) int64 { return int64(r.Deaths) }),
	{
		"sluice_consume_stopped_partitions", gauge, labels("group", "reason"),
		"Partitions of which no new records are lent because of failed ones. crowded: those that wait take a quarter of the window. window: it is full, and its first record waits. retry: on_error: partition makes the others wait. " +
			"dead_letter: a dead letter cannot be written. dead_letter_topic: the dead-letter topic cannot be used. /status names the records.",
		func(s *snapshot, out *series) {
			for i := range s.status.Subscriptions {
				sub := &s.status.Subscriptions[i]
				for _, reason := range kafka.StopReasons {
					out.add(float64(sub.Stops[reason]), sub.Group, string(reason))
				}
			}
		},
	},
	{
		"sluice_consume_breaker_state", gauge, labels("group", "topic"),
		"The breaker of a topic that has one: 0 closed, all is lent; 1 open, nothing is, until the next trial; 2 probing, a trial is with a client.",
		func(s *snapshot, out *series) {
			for i := range s.status.Subscriptions {
				for _, b := range s.status.Subscriptions[i].Bounds {
					if state, has := breakerStates[b.Breaker]; has {
						out.largest(state, s.status.Subscriptions[i].Group, b.Topic)
					}
				}
			}
		},
	},
	perGroup("sluice_consume_buffered_messages", "Records in memory that wait for a client to ask for them.",
		func(s *kafka.SubscriptionStatus) int64 { return int64(s.Buffered) }),
	perGroup("sluice_consume_buffered_bytes", "Memory of the records that wait for a client to ask for them.",
		func(s *kafka.SubscriptionStatus) int64 { return s.BufferedBytes }),
	{
		"sluice_consumer_memory_bytes", gauge, nil, "What fetched records that wait for their turn take in librdkafka, of all groups, about. consume.memory bounds it, but for a single batch that is larger.",
		func(s *snapshot, out *series) { out.add(float64(s.memory.Held)) },
	},
	{
		"sluice_consumer_partitions_waiting", gauge, nil, "Partitions that are not fetched because consume.memory is used up: they take turns.",
		func(s *snapshot, out *series) { out.add(float64(s.memory.Waiting)) },
	},
	{
		"sluice_oldest_unacked_age_seconds", gauge, labels("group"),
		"How long ago the record that holds back its partition's commits most was handed out for the first time. It grows while a handler is stuck, forgets to acknowledge, or fails again and again.",
		func(s *snapshot, out *series) {
			for _, sub := range s.status.Subscriptions {
				out.largest(seconds(sub.OldestUnacked), sub.Group)
			}
		},
	},
	{
		"sluice_subscriptions", gauge, nil, "Kafka consumers that are open: one for each different group, topics and properties, however many clients share it. consume.max_subscriptions bounds them.",
		func(s *snapshot, out *series) { out.add(float64(len(s.status.Subscriptions))) },
	},
	{
		"sluice_group_members", gauge, labels("group", "state"),
		"Named clients of a group: connected, or away while their place is kept (consume.member_grace).",
		func(s *snapshot, out *series) {
			for _, sub := range s.status.Subscriptions {
				connected := connectedMembers(sub.Members)
				out.add(float64(connected), sub.Group, "connected")
				out.add(float64(len(sub.Members)-connected), sub.Group, "away")
			}
		},
	},
	perGroup("sluice_assignment_partitions", "Partitions that Kafka assigned to this sluice. With 0 its clients wait for nothing.",
		func(s *kafka.SubscriptionStatus) int64 { return int64(s.Partitions) }),
	{
		"sluice_rebalances_total", counter, nil, "Assignments and revocations of partitions, of all groups. A few come with every start and stop of a sluice.",
		func(s *snapshot, out *series) { out.add(float64(s.totals.Rebalances)) },
	},
	{
		"sluice_commit_errors_total", counter, nil, "Offset commits that failed. The next one covers what they missed; if none succeeds, records come again after a restart.",
		func(s *snapshot, out *series) { out.add(float64(s.totals.CommitErrors)) },
	},
	{
		"sluice_commit_metadata_refused_total", counter, nil, "Offset commits whose metadata the brokers refused as too long (offset.metadata.max.bytes). They were made once more without: after a kill -9 what was acknowledged beyond a gap comes again.",
		func(s *snapshot, out *series) { out.add(float64(s.totals.MetadataRefused)) },
	},
}

var breakerStates = map[kafka.BreakerState]float64{kafka.BreakerClosed: 0, kafka.BreakerOpen: 1, kafka.BreakerProbing: 2}

// deadClass is the label for a class of error.
func deadClass(d *kafka.DeadCount) string {
	switch {
	case d.Class == kafka.OtherClasses, d.Group == "":
		return other
	case d.Class == "":
		return "(none)"
	}
	return d.Class
}

func connectedMembers(members []kafka.MemberStatus) (n int) {
	for _, member := range members {
		if member.Connected {
			n++
		}
	}
	return n
}

// perRow is a metric with one number for each topic of each group.
func perRow(name string, k kind, help string, read func(*kafka.GroupTopicCounts) int64) metric {
	return metric{name, k, labels("group", "topic"), help, func(s *snapshot, out *series) {
		for i := range s.consumed {
			row := &s.consumed[i]
			out.add(float64(read(row)), named(row.Group), named(row.Topic))
		}
	}}
}

// perGroup is a gauge with one number for each group.
func perGroup(name, help string, read func(*kafka.SubscriptionStatus) int64) metric {
	return metric{name, gauge, labels("group"), help, func(s *snapshot, out *series) {
		for i := range s.status.Subscriptions {
			out.add(float64(read(&s.status.Subscriptions[i])), s.status.Subscriptions[i].Group)
		}
	}}
}
