package config

import (
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// setting is one key of the configuration.
type setting struct {
	name  string // with its sections: resp.limits.bulk
	kind  kind   // how its value is read
	takes effect // when a change takes effect in a running program
	about string // its meaning, in one line
}

// effect says when a changed value takes effect after a reload, in the words of the documentation.
type effect string

const (
	atOnce           effect = "at once"
	newConnections   effect = "for new connections"
	newRecords       effect = "for new records"
	newSubscriptions effect = "for new subscriptions"
	newLeases        effect = "for new leases"
	newWork          effect = "for new records and subscriptions"
	atRestart        effect = "after a restart"
)

// TakesEffect says when a change of a setting takes effect after a reload, "" for a key that is no setting.
func TakesEffect(key string) string {
	return string(newVocabulary(Default().settings()).settings[key].takes)
}

// settings is the table of all keys of the configuration file.
func (c *Config) settings() []setting {
	var all []setting
	for _, part := range [][]setting{
		c.respSettings(), c.httpSettings(), c.managementSettings(), c.userSettings(), c.processSettings(),
		c.produceSettings(), c.consumeSettings(), c.groupSettings(), c.clusterSettings(),
	} {
		all = append(all, part...)
	}
	return all
}

func (c *Config) respSettings() []setting {
	door, limits := &c.RESP.Options, &c.RESP.Options.Limits
	return []setting{
		{"resp.address", text(&c.RESP.Address, "host:port"), atRestart, `address of the Redis protocol; "" closes the door`},
		{"resp.listeners", respListeners(&c.RESP.Listeners), atRestart, "further addresses of the Redis protocol, by name, each with address (host:port or unix:/path), reply, ack and ack_timeout"},
		{"resp.max_clients", integer(&door.MaxClients, 1, 1_000_000), atOnce, "connections at a time; further ones get an error"},
		{"resp.auth_timeout", duration(&door.AuthTimeout), newConnections, "with a password: how long a client may take to give it"},
		{"resp.command_timeout", duration(&door.CommandTimeout), newConnections, "a client must send the rest of a command within this time"},
		{"resp.write_timeout", duration(&door.WriteTimeout), newConnections, "a client that reads nothing of its answers for this time is cut"},
		{"resp.ack_timeout", duration(&door.AckTimeout), newConnections, "produce.ack_timeout for the Redis protocol alone; if not set, the same"},
		{"resp.limits.args", integer(&limits.Args, 1, 1_000_000), newConnections, "arguments of a command; if not set, at least one for 64 bytes of resp.limits.command"},
		{"resp.limits.bulk", size(&limits.Bulk, 1, 512*mebi), newConnections, "one argument; if not set, at least message.max.bytes of kafka.producer"},
		{"resp.limits.command", size(&limits.Command, 1, 1024*mebi), newConnections, "all arguments of a command; if not set, at least 5/4 of resp.limits.bulk"},
		{"resp.limits.inline", size(&limits.Inline, 16, mebi), newConnections, "a command in one line (inline)"},
		{"resp.limits.output", size(&door.OutputLimit, 16*kibi, 1024*mebi), newConnections, "answers that wait for a client; a batch of records is at most half of it"},
	}
}

func (c *Config) httpSettings() []setting {
	door := &c.HTTP.Options
	return []setting{
		{"http.address", text(&c.HTTP.Address, "host:port"), atOnce, `address of HTTP; "" closes the door`},
		{"http.hosts", hosts(&door.Hosts), atOnce, "host names of requests that are allowed, beside localhost and IP addresses"},
		{"http.max_connections", integer(&door.MaxConnections, 1, 1_000_000), atRestart, "connections at a time; further ones wait"},
		{"http.max_requests", integer(&door.MaxRequests, 1, 1_000_000), atOnce, "requests at a time; further ones get 503 with Retry-After"},
		{"http.max_waiting", integer(&door.MaxWaiting, 1, 1_000_000), atOnce, "requests that wait for records at a time, with streams; further ones get 503 with Retry-After"},
		{"http.max_body", size(&door.MaxBody, 1, 512*mebi), atOnce, "the body of a request, or one line of a stream"},
		{"http.max_records", integer(&door.MaxRecords, 1, 1_000_000), atOnce, "records of one request that is no stream"},
		{"http.max_held", size(&door.MaxHeld, 1, 65536*mebi), atOnce, "the bodies of all requests together; further ones get 503 with Retry-After"},
		{"http.body_timeout", duration(&door.BodyTimeout), atRestart, "how long a client may take to send the body of a request"},
		{"http.idle_timeout", duration(&door.IdleTimeout), atRestart, "how long a connection may wait for its next request"},
		{"http.ack_timeout", duration(&door.AckTimeout), newConnections, "produce.ack_timeout for HTTP alone; if not set, the same"},
		{"http.max_instances", integer(&door.MaxInstances, 1, 1_000_000), atOnce, "consumer instances of REST v2 at a time; further ones get 503 with Retry-After"},
		{"http.instance_idle", duration(&door.InstanceIdle), atOnce, "how long a consumer instance lives without a request"},
		{"http.kept_headers", keptHeaders(&door.KeptHeaders), atOnce, "fields of a request that become headers of its record, if the body is one record of any bytes; the defaults sign webhooks"},
		{"http.base_uri", baseURI(&door.BaseURI), atOnce, "the URL under which clients reach sluice, for links in answers; \"\": the URL of the request"},
		{"http.trusted_proxies", proxies(&door.TrustedProxies), atOnce, "proxies whose Forwarded and X-Forwarded-Proto, -Host, -Prefix and -Path name the URL of the client's request"},
		{"http.access_log", fraction(&door.AccessLog), atOnce, "the share of requests in the log, at level info"},
		{"http.v2_exact_commits", boolean(&door.ExactCommits), atOnce, "whether offsets in REST v2's commits are stored as they are, as Strimzi's bridge does; else the next ones are, as Confluent's proxy does"},
		{"http.v2_bridge_answers", boolean(&door.BridgeAnswers), atOnce, "whether REST v2's errors, results of records and subscriptions are those of Strimzi's bridge; else those of Confluent's proxy"},
		{"http.v2_fetch_min_bytes", integer(&door.LeastReply, -1, 10_000_000), atOnce, "bytes of keys and values that a reply of a REST v2 instance waits for, where its client does not say; -1: always its whole time, as Confluent's proxy does"},
		{"http.delete_topics", boolean(&door.DeleteTopics), atOnce, "whether clients may delete topics, with all their records, over REST v3"},
		{"http.h2c", boolean(&door.H2C), atRestart, "whether HTTP/2 without TLS is allowed too"},
	}
}

func (c *Config) managementSettings() []setting {
	m := &c.Management
	return []setting{
		{"management.address", text(&m.Address, "host:port"), atRestart, `address of /metrics, /healthz, /readyz and /status; "" closes the door`},
		{
			"management.control", socketPath(&m.Control), atRestart,
			`unix socket of sluice ctl; auto is sluice.sock in systemd's RuntimeDirectory, else in state_dir, else none; "" is none`,
		},
		{"management.hosts", hosts(&m.Hosts), atRestart, "host names of requests that are allowed, beside localhost and IP addresses"},
		{"management.pprof", boolean(&m.Pprof), atRestart, "whether /debug/pprof exists"},
		{"management.max_topic_rows", integer(&c.Kafka.MaxTopicRows, 1, 100_000), atOnce, "topics that metrics count by name; other topics are counted together"},
	}
}

func (c *Config) userSettings() []setting {
	return []setting{
		{"users.password", secret(&c.Users.Password), newConnections, "the password of all clients: with AUTH, or over HTTP as a Bearer token or with Basic; without it clients need none"},
		{"users.password_file", text(&c.Users.PasswordFile, "path"), newConnections, "the file that has the password; each reload reads it again"},
	}
}

func (c *Config) processSettings() []setting {
	return []setting{
		{"insecure", boolean(&c.Insecure), atOnce, "allows listeners that other machines can reach, although there is no TLS"},
		{
			"state_dir", text(&c.StateDir, "path"), atRestart,
			"the folder for data: the broker of --embedded, in broker/, and the control socket",
		},
		{"drain_grace", duration(&c.RESP.Options.DrainGrace), atOnce, "after the first signal: how long clients may take to finish"},
		{"log.level", level(&c.Log.Level), atOnce, "lines of at least this level are written"},
		{"log.format", choice(&c.Log.Format, "text", "json"), atOnce, "the form of a line; lines to the journal have a priority and no time"},
	}
}

func (c *Config) produceSettings() []setting {
	door, engine := &c.RESP.Options, &c.Kafka
	return []setting{
		{"produce.ack_timeout", duration(&c.AckTimeout), newConnections, "how long RPUSH, and a produce over HTTP, wait for the brokers"},
		{"produce.queue_timeout", duration(&door.QueueTimeout), newConnections, "how long a produce waits for room while too many records are in flight"},
		{"produce.in_flight", integer(&engine.Produce.InFlight, 1, 1_000_000), atOnce, "records of one client that wait for the brokers"},
		{"produce.max_topics", integer(&engine.Produce.MaxTopics, 1, 1_000_000), atOnce, "distinct topics that may be produced to"},
	}
}

func (c *Config) consumeSettings() []setting {
	engine := &c.Kafka
	return []setting{
		{"consume.memory", size(&engine.Consume.Memory, 16*mebi, 65536*mebi), atOnce, "fetched records in librdkafka, of all groups together; above it partitions take turns"},
		{"consume.max_subscriptions", integer(&engine.Consume.MaxSubscriptions, 1, 10_000), atOnce, "consumers of this process; the clients of one remote address may open half of them"},
		{"consume.window_records", windowRecords(&engine.Consume.WindowRecords), newSubscriptions, "unacknowledged records of one consumer, and of one partition"},
		{"consume.window_bytes", size(&engine.Consume.WindowBytes, 1, 1024*mebi), newSubscriptions, "unacknowledged records of one consumer, and of one partition, in bytes"},
		{"consume.member_grace", duration(&engine.Consume.MemberGrace), newSubscriptions, "how long a consumer keeps its records after it lost its connection"},
		{"consume.linger", duration(&engine.Consume.Linger), newSubscriptions, "how long sluice stays in a group after the last consumer left"},
		{"consume.revoke_grace", duration(&engine.Consume.RevokeGrace), newSubscriptions, "how long a partition that moves to another sluice waits for acknowledgements"},
		{"consume.commit_interval", duration(&engine.Consume.CommitInterval), newSubscriptions, "the time between offset commits; after a kill -9 what was acknowledged in this time comes again"},
		{"consume.lag_interval", span(&engine.Consume.LagInterval, time.Second, time.Hour), atOnce, "the time between two readings of the groups' lag"},
		{"consume.stall_after", span(&engine.Consume.StallAfter, time.Second, time.Hour), atOnce, "a group with lag in a partition counts as stalled after this time without a commit there; at least consume.lag_interval"},
	}
}

func (c *Config) groupSettings() []setting {
	return []setting{
		{
			"groups", groupPolicies(&c.Kafka.Failures), newLeases,
			"what becomes of records whose processing fails: retries, dead letters, rates, by group and topic; docs/sluice.yaml has every key",
		},
	}
}

func (c *Config) clusterSettings() []setting {
	engine := &c.Kafka
	return []setting{
		{"kafka.brokers", brokers(&engine.Brokers), atRestart, "bootstrap addresses of the cluster"},
		{"kafka.properties", properties(&engine.Properties, kafka.ForAll), newWork, "librdkafka's properties for every client"},
		{"kafka.producer", properties(&engine.Producer, kafka.ForProducers), newRecords, "properties for producers, above kafka.properties"},
		{"kafka.consumer", properties(&engine.Consumer, kafka.ForConsumers), newSubscriptions, "properties for consumers, above kafka.properties"},
		{"kafka.profiles", profiles(&engine.Profiles), newRecords, "properties for the producers delivered (RPUSH) and buffered (RPUSHX), above kafka.producer"},
	}
}
