package producer

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// frost lets brokers stand still as SIGSTOP does: connections are taken, and nothing more.
type frost struct {
	mu     sync.Mutex
	thawed chan struct{} // closed: nothing is frozen
}

func newFrost() *frost {
	f := &frost{thawed: make(chan struct{})}
	close(f.thawed)
	return f
}

func (f *frost) freeze() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.thawed = make(chan struct{})
}

func (f *frost) thaw() {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.thawed:
	default:
		close(f.thawed)
	}
}

func (f *frost) wait() {
	f.mu.Lock()
	thawed := f.thawed
	f.mu.Unlock()
	<-thawed
}

type frostyListener struct {
	net.Listener
	frost *frost
}

func (l frostyListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return frostyConn{conn, l.frost}, nil
}

// frostyConn keeps what came while its broker stands still.
type frostyConn struct {
	net.Conn
	frost *frost
}

func (c frostyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.frost.wait()
	return n, err
}

func (c frostyConn) Write(b []byte) (int, error) {
	c.frost.wait()
	return c.Conn.Write(b)
}

// threeBrokers are a cluster of brokers that can be frozen, by their numbers.
func threeBrokers(t *testing.T, opts ...kfake.Opt) (*kfake.Cluster, []*frost) {
	t.Helper()
	var brokers []*frost
	listen := func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address)
		if err != nil {
			return nil, err
		}
		f := newFrost()
		brokers = append(brokers, f)
		return frostyListener{l, f}, nil
	}
	k, err := kfake.NewCluster(append(opts, kfake.NumBrokers(3), kfake.ListenFn(listen))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	t.Cleanup(func() {
		for _, b := range brokers {
			b.thaw()
		}
	})
	return k, brokers
}

// One silent broker, whichever it is, keeps nobody from the others, and is named until it answers.
func TestASilentBrokerIsNamedAndPassedOver(t *testing.T) {
	t.Parallel()
	for id := range int32(3) {
		t.Run(fmt.Sprint(id), func(t *testing.T) {
			t.Parallel()
			k, brokers := threeBrokers(t, kfake.SeedTopics(3, "used"))
			for n := range 12 {
				if err := k.CreateTopic(fmt.Sprintf("unused%d", n), 1, nil); err != nil {
					t.Fatal(err)
				}
				if err := k.MoveTopicPartition(fmt.Sprintf("unused%d", n), 0, (id+1)%3); err != nil {
					t.Fatal(err)
				}
			}
			ps := openOn(t, k.ListenAddrs(), nil)
			kafkatest.Eventually(t, "an answer", func() bool { return ps.cluster.Reach() == nil })
			brokers[id].freeze()
			for n := range 12 {
				wantOutcome(t, newCaller(t, ps).deliver(t, fmt.Sprintf("unused%d", n), []byte("x")), record.OK)
			}
			kafkatest.Eventually(t, "the silent broker's name", func() bool {
				return slices.ContainsFunc(ps.cluster.Silent(), func(b cluster.Broker) bool { return b.ID == id && b.Address() == k.ListenAddrs()[id] })
			})
			if err := ps.cluster.Reach(); err != nil || len(ps.cluster.Silent()) != 1 {
				t.Errorf("%v; silent: %v", err, ps.cluster.Silent())
			}
			if names, err := ps.cluster.TopicNames(t.Context()); err != nil || len(names) != 13 {
				t.Errorf("topics %q %v", names, err)
			}
			brokers[id].thaw()
			kafkatest.Eventually(t, "its answer", func() bool { return len(ps.cluster.Silent()) == 0 })
		})
	}
}

func TestOnlyWithoutAnyBrokerDoesNoBrokerAnswer(t *testing.T) {
	t.Parallel()
	k, brokers := threeBrokers(t)
	ps := openOn(t, k.ListenAddrs(), nil)
	kafkatest.Eventually(t, "an answer", func() bool { return ps.cluster.Reach() == nil })
	for _, b := range brokers {
		b.freeze()
	}
	kafkatest.Eventually(t, "no answer", func() bool { return ps.cluster.Reach() != nil })
	brokers[2].thaw()
	kafkatest.Eventually(t, "an answer", func() bool { return ps.cluster.Reach() == nil })
}
