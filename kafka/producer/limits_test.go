package producer

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/kafkatest"
)

func TestASettingOfATopicIsRead(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), nil)
	if n, err := ps.topicSetting(kafkatest.Bounded(t), "letters", "max.message.bytes"); n != "1048588" || err != nil {
		t.Errorf("%s, %v", n, err)
	}
	if _, err := ps.topicSetting(kafkatest.Bounded(t), "letters", "no.such.thing"); err == nil {
		t.Error("a setting that does not exist has a value")
	}
	if _, err := ps.topicSetting(kafkatest.Bounded(t), "nowhere", "max.message.bytes"); err == nil {
		t.Error("a topic that does not exist has a limit")
	}
	kafkatest.Eventually(t, "the limit", func() bool { return ps.limit("letters") == "1048588" })
}
