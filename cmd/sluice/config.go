package main

import (
	"log/slog"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/resp"
	"github.com/sluice-proxy/sluice/server/rest"
)

// Config is everything an operator can choose, in the units of its types; sizes are bytes.
type Config struct {
	RESP       respConfig
	HTTP       httpConfig
	Management managementConfig
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

// httpConfig is the HTTP door: where it opens, and its options but for those that it has in common with
// the Redis door, which are filled in last.
type httpConfig struct {
	Address string
	Options rest.Options
}

// managementConfig is the door for operators and for machines that watch.
type managementConfig struct {
	Address string
	Control string   // path of the control socket, or autoControl
	Hosts   []string // names, other than localhost, under which it may be asked
	Pprof   bool
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
		HTTP:       httpConfig{Address: "127.0.0.1:8082", Options: rest.DefaultOptions()},
		Management: managementConfig{Address: "127.0.0.1:9380", Control: autoControl},
		Kafka:      kafka.Defaults(),
		Log:        logConfig{Level: slog.LevelInfo, Format: "text"},
	}
}
