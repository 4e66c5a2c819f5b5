package cluster

import (
	"context"
	"testing"
	"time"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// A broker that comes back before its cluster has let it in knows no brokers, and no topics but that those
// that were asked for do not exist. librdkafka's DescribeCluster ends the process for that.
func TestABrokerThatKnowsNobody(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs())
	if _, err := c.Brokers(t.Context()); err != nil { // and before, all was well
		t.Fatal(err)
	}
	k.ControlKey(int16(kmsg.Metadata), func(request kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		return knowNobody(request.(*kmsg.MetadataRequest)), nil, true //nolint:forcetypeassert // it is one
	})
	questions := map[string]func(context.Context) error{
		"brokers": func(ctx context.Context) error { _, err := c.Brokers(ctx); return err },
		"topics":  func(ctx context.Context) error { _, err := c.TopicNames(ctx); return err },
		"topic":   func(ctx context.Context) error { _, err := c.Topic(ctx, "letters"); return err },
		"offsets": func(ctx context.Context) error {
			return c.Ask(func(a *Admin) error {
				ends, err := a.offsets(ctx, []record.TopicPartition{letters}, binding.LatestOffsetSpec)
				if end, told := ends[letters]; err == nil && (!told || end != 0) {
					t.Errorf("offsets: %v instead of the end of %s, which is 0", ends, letters)
				}
				return err
			})
		},
		"reach": func(ctx context.Context) error { return c.Ask(func(a *Admin) error { return a.pingBrokers(ctx) }) },
	}
	// librdkafka may know a partition's leader from before and ask it, and to be answered at all is enough for
	// reach: those two may succeed. What they may not do is end the process.
	mayAnswer := map[string]bool{"offsets": true, "reach": true}
	for name, ask := range questions {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if err := ask(ctx); err == nil && !mayAnswer[name] {
			t.Errorf("%s: answered", name)
		}
		cancel()
	}
}

func knowNobody(request *kmsg.MetadataRequest) *kmsg.MetadataResponse {
	response := request.ResponseKind().(*kmsg.MetadataResponse) //nolint:forcetypeassert // so it is documented
	for _, asked := range request.Topics {
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic, topic.ErrorCode = asked.Topic, wireerr.UnknownTopicOrPartition.Code
		response.Topics = append(response.Topics, topic)
	}
	return response
}
