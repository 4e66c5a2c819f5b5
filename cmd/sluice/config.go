package main

import (
	"log/slog"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/resp"
)

// Config is everything an operator can choose, in the units of its types; sizes are bytes.
type Config struct {
	RESP       respConfig
	HTTP       string // address; no door behind it yet
	Management string // address; no door behind it yet
	Kafka      kafka.Config
	StateDir   string
	Insecure   bool
	Log        logConfig
}

// respConfig is the Redis door: where it opens, and its options but for Password and Version, which
// are filled in last.
type respConfig struct {
	Address      string
	Password     Secret
	PasswordFile string
	Options      resp.Options
}

type logConfig struct {
	Level  slog.Level
	Format string
}

const (
	kibi = 1 << 10
	mebi = 1 << 20
)

// defaultConfig is what runs when nothing is configured.
func defaultConfig() *Config {
	return &Config{
		RESP:       respConfig{Address: "127.0.0.1:6380", Options: resp.DefaultOptions()},
		HTTP:       "127.0.0.1:8082",
		Management: "127.0.0.1:9380",
		Kafka:      kafka.Defaults(),
		Log:        logConfig{Level: slog.LevelInfo, Format: "text"},
	}
}

// settings is the configuration file: every key there is, and what it accepts.
func (c *Config) settings() []setting {
	door, limits, engine := &c.RESP.Options, &c.RESP.Options.Limits, &c.Kafka
	return []setting{
		{"resp.address", text(&c.RESP.Address)},
		{"resp.password", secret(&c.RESP.Password)},
		{"resp.password_file", text(&c.RESP.PasswordFile)},
		{"resp.max_clients", integer(&door.MaxClients, 1, 1_000_000)},
		{"resp.auth_timeout", duration(&door.AuthTimeout)},
		{"resp.command_timeout", duration(&door.CommandTimeout)},
		{"resp.write_timeout", duration(&door.WriteTimeout)},
		{"http.address", text(&c.HTTP)},
		{"management.address", text(&c.Management)},
		{"state_dir", text(&c.StateDir)},
		{"insecure", boolean(&c.Insecure)},
		{"log.level", level(&c.Log.Level)},
		{"log.format", choice(&c.Log.Format, "text", "json")},
		{"limits.args", integer(&limits.Args, 1, 1_000_000)},
		{"limits.bulk", size(&limits.Bulk, 1, 512*mebi)},
		{"limits.command", size(&limits.Command, 1, 1024*mebi)},
		{"limits.inline", size(&limits.Inline, 16, mebi)},
		{"limits.output", size(&door.OutputLimit, 16*kibi, 1024*mebi)},
		{"drain.grace", duration(&door.DrainGrace)},
		{"produce.ack_timeout", duration(&door.AckTimeout)},
		{"produce.queue_timeout", duration(&door.QueueTimeout)},
		{"member.grace", duration(&engine.MemberGrace)},
		{"subscription.linger", duration(&engine.SubscriptionLinger)},
		{"kafka.brokers", brokers(&engine.Brokers)},
		{"kafka.properties", properties(&engine.Properties)},
		{"kafka.producer", properties(&engine.Producer)},
		{"kafka.consumer", properties(&engine.Consumer)},
		{"kafka.profiles", profiles(&engine.Profiles)},
		{"kafka.in_flight", integer(&engine.InFlight, 1, 1_000_000)},
		{"kafka.max_topics", integer(&engine.MaxTopics, 1, 1_000_000)},
		{"kafka.max_subscriptions", integer(&engine.MaxSubscriptions, 1, 10_000)},
		{"kafka.window_records", integer(&engine.WindowRecords, 1, 1_000_000)},
		{"kafka.window_bytes", size(&engine.WindowBytes, 1, 1024*mebi)},
		{"kafka.revoke_grace", duration(&engine.RevokeGrace)},
		{"kafka.commit_interval", duration(&engine.CommitInterval)},
	}
}
