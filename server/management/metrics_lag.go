package management

import "strconv"

// maxPartitions bounds sluice_consumer_lag_messages: with more partitions only the sums are given.
const maxPartitions = 500

var lagMetrics = []metric{
	{
		"sluice_consumer_lag_messages", gauge, labels("group", "topic", "partition"),
		"Records between what the group has committed and the end of the partition, as the brokers say, whoever consumes it. Left out while there are more than 500 partitions in all.",
		func(s *snapshot, out *series) {
			if len(s.lags) > maxPartitions {
				return
			}
			for _, lag := range s.lags {
				if lag.Lag >= 0 {
					out.add(float64(lag.Lag), lag.Group, lag.Topic, strconv.Itoa(int(lag.Partition)))
				}
			}
		},
	},
	{
		"sluice_consumer_group_lag_messages", gauge, labels("group", "topic"),
		"The sum of sluice_consumer_lag_messages over the partitions of a topic; given for any number of them.",
		func(s *snapshot, out *series) {
			for _, lag := range s.lags {
				if lag.Lag >= 0 {
					out.add(float64(lag.Lag), lag.Group, lag.Topic)
				}
			}
		},
	},
	{
		"sluice_consumer_lag_seconds", gauge, labels("group", "topic"),
		"Age of the oldest record that the group has not settled, over the partitions that are assigned to this sluice.",
		func(s *snapshot, out *series) {
			for _, lag := range s.lags {
				if lag.Seconds >= 0 {
					out.largest(lag.Seconds, lag.Group, lag.Topic)
				}
			}
		},
	},
	{
		"sluice_consumer_stalled", gauge, labels("group"),
		"1 while a partition has a lag and nothing of it was committed for a minute: the consumers are gone, stuck, do not acknowledge, or fail at one record again and again.",
		func(s *snapshot, out *series) {
			for i := range s.status.Subscriptions {
				sub := &s.status.Subscriptions[i]
				out.largest(truth(sub.StalledPartitions > 0), sub.Group)
			}
		},
	},
	{
		"sluice_consumer_stalled_partitions", gauge, labels("group"),
		"How many partitions sluice_consumer_stalled is about.",
		func(s *snapshot, out *series) {
			for i := range s.status.Subscriptions {
				sub := &s.status.Subscriptions[i]
				out.largest(float64(sub.StalledPartitions), sub.Group)
			}
		},
	},
	{
		"sluice_consumer_unreadable_partitions", gauge, labels("group"),
		"Partitions of which nothing more comes because a batch cannot be read: it is broken, packed in an unknown way, or too large when it is unpacked. /status and the log name it.",
		func(s *snapshot, out *series) {
			for _, sub := range s.status.Subscriptions {
				out.add(float64(sub.Unreadable), sub.Group)
			}
		},
	},
	{
		"sluice_consumer_unreadable_batches_total", counter, nil,
		"Batches that could not be read, each counted once for each group, those included that were passed over.",
		func(s *snapshot, out *series) { out.add(float64(s.totals.Unreadable)) },
	},
	{
		"sluice_consumer_trouble", gauge, labels("group"),
		"1 while something keeps a group of this sluice from its records, such as a right that it does not have; /status has the reason.",
		func(s *snapshot, out *series) {
			for _, sub := range s.status.Subscriptions {
				out.largest(truth(sub.Trouble != ""), sub.Group)
			}
		},
	},
}
