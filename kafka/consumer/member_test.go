package consumer

import (
	"testing"

	"github.com/sluice-proxy/sluice/kafka/config"
)

func TestOnlyEqualInterestsShareASubscription(t *testing.T) {
	key := func(group string, overrides config.Properties, topics ...string) string {
		in := SubscribeOptions{Topics: topics, Overrides: overrides}
		return in.key(group)
	}
	one := key("g", config.Properties{"a": "1", "b": "2"}, "t", "u")
	for _, same := range []string{key("g", config.Properties{"b": "2", "a": "1"}, "u", "t"), key("g", config.Properties{"b": "2", "a": "1"}, "u", "t", "u")} {
		if same != one {
			t.Errorf("%s is not %s", same, one)
		}
	}
	for _, other := range []string{
		key("h", config.Properties{"a": "1", "b": "2"}, "t", "u"),
		key("g", config.Properties{"a": "1"}, "t", "u"),
		key("g", config.Properties{"a": "1", "b": "3"}, "t", "u"),
		key("g", config.Properties{"a": "1", "b": "2"}, "t"),
		key("g", config.Properties{"a": "1", "b": "2"}, "t u"),
		key("g", config.Properties{"a": `1" "b"="2`}, "t", "u"),
	} {
		if other == one {
			t.Errorf("%s is shared by different interests", other)
		}
	}
}
