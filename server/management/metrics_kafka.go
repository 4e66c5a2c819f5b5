package management

import (
	"strconv"

	"github.com/sluice-proxy/sluice/kafka"
)

var kafkaMetrics = []metric{
	{
		"sluice_kafka_reachable", gauge, nil, "1 while a broker answers. It has no say in the watchdog: a restart brings no broker back.",
		func(s *snapshot, out *series) { out.add(truth(s.reachable)) },
	},
	{
		"sluice_kafka_broker_silent", gauge, labels("broker"), "1 while the broker has not answered sluice's questions for a while, 0 while it does.",
		func(s *snapshot, out *series) {
			for _, b := range s.heard {
				out.largest(truth(b.Silent), strconv.Itoa(int(b.ID)))
			}
		},
	},
	perBroker("sluice_kafka_broker_up", gauge, "1 while a producer's connection to the broker is up. Brokers that it has no business with stay unconnected.",
		func(b *kafka.BrokerStatus) float64 { return truth(b.State == "UP") }),
	{
		"sluice_kafka_broker_rtt_seconds", gauge, labels("profile", "broker", "stat"),
		"Time that the broker took to answer, over librdkafka's last statistics interval: the average (avg), and what 99 of 100 requests stayed below (p99). 0 when nothing was sent.",
		func(s *snapshot, out *series) {
			for _, p := range s.status.Profiles {
				for _, b := range p.Brokers {
					out.add(b.RTT.Average.Seconds(), p.Name, brokerName(&b), "avg")
					out.add(b.RTT.P99.Seconds(), p.Name, brokerName(&b), "p99")
				}
			}
		},
	},
	perBroker("sluice_kafka_broker_timeouts_total", counter, "Requests that the broker did not answer in time.",
		func(b *kafka.BrokerStatus) float64 { return float64(b.Timeouts) }),
	perBroker("sluice_kafka_broker_retries_total", counter, "Requests that were sent again.",
		func(b *kafka.BrokerStatus) float64 { return float64(b.Retries) }),
	perBroker("sluice_kafka_broker_connects_total", counter, "Attempts to connect, successful or not.",
		func(b *kafka.BrokerStatus) float64 { return float64(b.Connects) }),
	perBroker("sluice_kafka_broker_disconnects_total", counter, "Connections that ended, whoever ended them.",
		func(b *kafka.BrokerStatus) float64 { return float64(b.Disconnects) }),
	perBroker("sluice_kafka_broker_throttle_seconds", gauge, "How long the broker asked to wait on average: a quota is used up.",
		func(b *kafka.BrokerStatus) float64 { return b.Throttle.Seconds() }),
}

// perBroker is a metric with one number for each broker of each profile.
func perBroker(name string, k kind, help string, read func(*kafka.BrokerStatus) float64) metric {
	return metric{name, k, labels("profile", "broker"), help, func(s *snapshot, out *series) {
		for _, p := range s.status.Profiles {
			for i := range p.Brokers {
				out.add(read(&p.Brokers[i]), p.Name, brokerName(&p.Brokers[i]))
			}
		}
	}}
}

// brokerName is the broker's number, or its configured address while the number is not known.
func brokerName(b *kafka.BrokerStatus) string {
	if b.ID < 0 {
		return b.Address
	}
	return strconv.Itoa(int(b.ID))
}
