//go:build matrix

package shippers

import (
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// long is a line of so many bytes.
func long(n int) string { return strings.Repeat("x", n) }

// A line above what the door takes stops Filebeat's batch for ever, and nothing of the batch is written. With a key of
// each event, only that line is kept.
func TestALineThatIsTooLarge(t *testing.T) {
	const tooLarge, want = 2 << 20, "PROD rejected: an argument of 2097152 bytes is above resp.limits.bulk, 1048588"
	batch := []string{"before", long(tooLarge), "after"}
	for name, c := range map[string]struct {
		shipper shipper
		kept    []string
		written []string
	}{
		"Filebeat":                      {&filebeat{}, batch, nil},
		"Filebeat, a key of each event": {&filebeat{keyOf: hostKey}, batch[1:2], []string{"before", "after"}},
		"Filebeat, channel":             {&filebeat{channel: true}, batch[1:2], []string{"before", "after"}},
		"Logstash":                      {&logstash{}, batch[1:], []string{"before"}},
		"Logstash, batch":               {&logstash{batched: true}, batch, nil},
		"Fluentd":                       {&fluentd{name: "RPUSH"}, batch, []string{"before", "after"}},
		"Vector":                        {&vector{name: "RPUSH"}, batch, nil},
		"Fluent Bit":                    {&fluentBit{}, nil, []string{"before", "after"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			if err := c.shipper.connect(d.Addr); err != nil {
				t.Fatal(err)
			}
			defer c.shipper.close()
			kept, err := c.shipper.send(batch)
			if !slices.Equal(kept, c.kept) || len(kept) > 0 && (err == nil || err.Error() != want) {
				t.Errorf("kept %d lines, %v; want %d, %s", len(kept), err, len(c.kept), want)
			}
			d.holds(c.written)
		})
	}
}

// A usual batch of Filebeat with lines of 3 kB does not fit a command, unless the door says so. A batch of Vector is a
// transaction.
func TestABatchThatIsTooLarge(t *testing.T) {
	const lineBytes = 3000
	for name, c := range map[string]struct {
		shipper shipper
		lines   int
		config  []string
		want    string
	}{
		"Filebeat":                      {&filebeat{}, filebeatBatch, nil, "PROD rejected: a command of 6144016 bytes is above resp.limits.command, 4194304"},
		"Filebeat, resp.limits.command": {&filebeat{}, filebeatBatch, []string{"resp: {limits: {command: 32MiB}}"}, ""},
		"Vector":                        {&vector{name: "RPUSH"}, 1025, nil, "ERR a transaction cannot hold more than 1024 commands or 4194304 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			d, batch := open(t, c.config...), slices.Repeat([]string{long(lineBytes)}, c.lines)
			if err := c.shipper.connect(d.Addr); err != nil {
				t.Fatal(err)
			}
			defer c.shipper.close()
			kept, err := c.shipper.send(batch)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				d.holds(batch)
				return
			}
			if err == nil || err.Error() != c.want || len(kept) != len(batch) {
				t.Errorf("%d lines kept, %v; want %s", len(kept), err, c.want)
			}
			d.holds(nil)
		})
	}
}

// What shippers send when they are told to use anything but a list or a channel, and options that ask for more than a
// list: fluent-plugin-redis 0.3.5 (HMSET), fluent-plugin-redis-store 0.2.0 (store_type zset, set, string; key_expire;
// value_length), Vector (data_type sorted_set).
func TestWhatIsNoListIsRefused(t *testing.T) {
	d := open(t)
	conn, err := dial(d.Addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, args := range [][]string{
		{"HMSET", "logs.1.0", "message", "line"},
		{"ZADD", key, "1.5", "line"},
		{"SADD", key, "line"},
		{"SET", key, "line"},
		{"EXPIRE", key, "60"},
		{"EVAL", "local key = 'logs'", "0"},
	} {
		_, err := conn.ask(args...)
		if err == nil || !strings.HasPrefix(err.Error(), "ERR unknown command '"+args[0]+"': ") {
			t.Errorf("%s: %v", args[0], err)
		}
	}
}

// congestion_threshold of Logstash compares LLEN, which is how many records the topic has: consumers do not lower it.
func TestTheLengthOfATopicDoesNotFall(t *testing.T) {
	d := open(t)
	l := &logstash{}
	if err := l.connect(d.Addr); err != nil {
		t.Fatal(err)
	}
	defer l.close()
	if _, err := l.send(numbered(3)); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"CLIENT", "SETNAME", "myapp:worker-1"}, {"BLPOP", key, "10"}, {"RPUSH", "acks", topic + ":0:0"}} {
		if _, err := l.call(args...); err != nil {
			t.Fatal(err)
		}
	}
	other := &logstash{}
	if err := other.connect(d.Addr); err != nil {
		t.Fatal(err)
	}
	defer other.close()
	if n, err := other.call("LLEN", key); n != int64(3) || err != nil {
		t.Errorf("LLEN: %v, %v", n, err)
	}
}

// Telegraf's only output for Redis, redistimeseries: influxdata/telegraf, plugins/outputs/redistimeseries (1.3x), which
// calls go-redis as here. It needs a module of Redis.
func TestTelegrafHasNothingToSend(t *testing.T) {
	d := open(t)
	client := redis.NewClient(&redis.Options{Addr: d.Addr})
	defer client.Close()
	if err := client.Ping(d.ctx).Err(); err != nil {
		t.Fatal(err)
	}
	err := client.TSAddWithArgs(d.ctx, "cpu_usage", 1, 1.5, &redis.TSOptions{Labels: map[string]string{"host": "web-1"}}).Err()
	if err == nil || !strings.HasPrefix(err.Error(), "ERR unknown command 'TS.ADD'") {
		t.Errorf("TS.ADD: %v", err)
	}
}

// Older versions of rsyslog send AUTH and their first batch without waiting between them: rsyslog/rsyslog,
// contrib/omhiredis/omhiredis.c at 0628840c113f, initHiredis.
func TestAPasswordInFrontOfABatch(t *testing.T) {
	d := open(t, guarded)
	conn, err := dial(d.Addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	lines := numbered(1024)
	if err := conn.write(command("AUTH", password) + pipeline(pushes("LPUSH", key, lines)...)); err != nil {
		t.Fatal(err)
	}
	answers, err := conn.answers(1 + len(lines))
	if err != nil || firstRefusal(answers) != nil {
		t.Fatal(err, firstRefusal(answers))
	}
	d.holds(lines)
}
