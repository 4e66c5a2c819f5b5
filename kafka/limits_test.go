package kafka

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

func TestASettingOfATopicIsRead(t *testing.T) {
	t.Parallel()
	k := fakeCluster(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	if n, err := c.topicSetting(bounded(t), "letters", "max.message.bytes"); n != "1048588" || err != nil {
		t.Errorf("%s, %v", n, err)
	}
	if _, err := c.topicSetting(bounded(t), "letters", "no.such.thing"); err == nil {
		t.Error("a setting that does not exist has a value")
	}
	if _, err := c.topicSetting(bounded(t), "nowhere", "max.message.bytes"); err == nil {
		t.Error("a topic that does not exist has a limit")
	}
	eventually(t, "the limit", func() bool { return c.limit("letters") == "1048588" })
}
