package kafka

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/consumer"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/producer"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// What waits for its topic when the process is told to end goes to Kafka all the same: brokers are there.
func TestWhatWaitsForItsTopicIsDeliveredAtTheEnd(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	bufferThree(t, c)
	if err := shut(c, kafkatest.Patience); err != nil {
		t.Error(err)
	}
	if s := c.Stats(); s.Accepted != 3 || s.Ended[record.OK] != 3 {
		t.Errorf("not all are delivered: %+v", s)
	}
}

func TestNothingIsTakenAfterClose(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, c)
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.OK)
	if err := shut(c, kafkatest.Patience); err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.Retry)
	if _, err := c.Join(consumer.Identity{"group", "a"}, topicsOf("letters"), func() {}); !errors.Is(err, kerr.ErrStopping) {
		t.Errorf("joined after Close: %v", err)
	}
}

func TestOpenNamesTheProfileThatCannotBe(t *testing.T) {
	cfg := config.Defaults()
	cfg.Brokers = []string{"localhost:9092"}
	cfg.Profiles = map[string]config.Properties{config.Buffered: {"acks": "0"}} // idempotence needs all
	c, err := Open(cfg, slog.New(slog.DiscardHandler))
	if err == nil {
		_ = shut(c, kafkatest.Patience)
		t.Fatal("opened")
	}
	if !strings.Contains(err.Error(), "producer profile buffered: ") {
		t.Errorf("%q does not name the profile", err)
	}
}

func TestVersion(t *testing.T) {
	if v := Version(); !strings.HasPrefix(v, "2.") {
		t.Errorf("version %q", v)
	}
}
