package producer

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// Each topic that is used for the first time was a request of its own, two with the producer's, and a thread.
func TestManyNewTopicsAreAskedForTogether(t *testing.T) {
	t.Parallel()
	const topics = 600
	var names []string
	for n := range topics {
		names = append(names, fmt.Sprintf("topic%d", n))
	}
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, names...))
	ps := openOn(t, k.ListenAddrs(), nil)
	kafkatest.Eventually(t, "an answer", func() bool { return ps.cluster.Reach() == nil })
	var requests atomic.Int64
	k.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		requests.Add(1)
		return nil, nil, false
	})
	p := newCaller(t, ps)
	for _, name := range names {
		if err := p.Deliver([]byte(name), nil, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if failure := p.outcomes(t, topics); failure != nil {
		t.Fatal(failure)
	}
	if n := requests.Load(); n > topics/4 {
		t.Errorf("%d requests for %d topics", n, topics)
	}
}

// Topics that exist do not wait for those that do not, and each has its own answer.
func TestANameThatFailsFailsAlone(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "there0", "there1", "there2"))
	ps := openOn(t, k.ListenAddrs(), nil)
	var callers []*caller
	for n := range 3 {
		for _, name := range []string{"there", "nowhere"} {
			p := newCaller(t, ps)
			if err := p.Deliver(fmt.Appendf(nil, "%s%d", name, n), nil, []byte("x")); err != nil {
				t.Fatal(err)
			}
			callers = append(callers, p)
		}
	}
	for i, p := range callers {
		wantOutcome(t, p.outcomes(t, 1), []record.Outcome{record.OK, record.Rejected}[i%2])
	}
}

func TestNewTopicsThatTheBrokersCreateAllCome(t *testing.T) {
	t.Parallel()
	const topics = 300
	k := kafkatest.Brokers(t, kfake.AllowAutoTopicCreation(), kfake.DefaultNumPartitions(1))
	ps := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, ps)
	for n := range topics {
		name := fmt.Appendf(nil, "new%d", n)
		if err := p.Deliver(name, nil, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := p.Buffer(name, nil, []byte("y")); err != nil {
			t.Fatal(err)
		}
	}
	if failure := p.outcomes(t, topics); failure != nil {
		t.Fatal(failure)
	}
	kafkatest.Eventually(t, "the buffered ones", func() bool { return p.Pending() == 0 })
	if failed := p.TakeFailed(); failed != 0 {
		t.Errorf("%d buffered records failed", failed)
	}
}
