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

// suspension lets brokers stand still as SIGSTOP does: connections are taken, and nothing more.
type suspension struct {
	mu      sync.Mutex
	resumed chan struct{} // closed: nothing is suspended
}

func newSuspension() *suspension {
	s := &suspension{resumed: make(chan struct{})}
	close(s.resumed)
	return s
}

func (s *suspension) suspend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resumed = make(chan struct{})
}

func (s *suspension) resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.resumed:
	default:
		close(s.resumed)
	}
}

func (s *suspension) wait() {
	s.mu.Lock()
	resumed := s.resumed
	s.mu.Unlock()
	<-resumed
}

type suspendableListener struct {
	net.Listener
	suspension *suspension
}

func (l suspendableListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return suspendableConn{conn, l.suspension}, nil
}

// suspendableConn keeps what came while its broker stands still.
type suspendableConn struct {
	net.Conn
	suspension *suspension
}

func (c suspendableConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.suspension.wait()
	return n, err
}

func (c suspendableConn) Write(b []byte) (int, error) {
	c.suspension.wait()
	return c.Conn.Write(b)
}

// threeBrokers are a cluster of brokers that can be suspended, by their numbers.
func threeBrokers(t *testing.T, opts ...kfake.Opt) (*kfake.Cluster, []*suspension) {
	t.Helper()
	var brokers []*suspension
	listen := func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address)
		if err != nil {
			return nil, err
		}
		f := newSuspension()
		brokers = append(brokers, f)
		return suspendableListener{l, f}, nil
	}
	k, err := kfake.NewCluster(append(opts, kfake.NumBrokers(3), kfake.ListenFn(listen))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	t.Cleanup(func() {
		for _, b := range brokers {
			b.resume()
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
			brokers[id].suspend()
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
			brokers[id].resume()
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
		b.suspend()
	}
	kafkatest.Eventually(t, "no answer", func() bool { return ps.cluster.Reach() != nil })
	brokers[2].resume()
	kafkatest.Eventually(t, "an answer", func() bool { return ps.cluster.Reach() == nil })
}
