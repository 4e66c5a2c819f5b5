package limits

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

const (
	newTopics    = 4000
	burstThreads = 64 // that a burst of new topics may cost, and keep
)

// threads counts the threads of the process.
func (p *proxy) threads(t *testing.T) int {
	t.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.PID()))
	if err != nil {
		t.Skip("needs the proc file system of Linux:", err)
	}
	return len(tasks)
}

// Each new topic was a thread that waited for the brokers, and the service manager allows about two thousand.
func TestABurstOfNewTopicsCostsFewThreads(t *testing.T) {
	t.Parallel()
	frozen, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { frozen.Close() })
	refusing := harnesstest.FreeAddr(t)
	for name, brokers := range map[string][]string{"embedded": nil, "refusing": {refusing}, "frozen": {frozen.Addr().String()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := serveOn(t, brokers)
			before := p.threads(t)
			most := p.produceToNewTopics(t)
			if most > before+burstThreads {
				t.Errorf("%d threads, %d before", most, before)
			}
			if strings.Contains(p.Output(), "records not delivered") {
				t.Error("records were lost:\n" + p.Output())
			}
		})
	}
}

// produceToNewTopics buffers a record for each, and returns the most threads that there were. The embedded broker
// takes them all.
func (p *proxy) produceToNewTopics(t *testing.T) (most int) {
	t.Helper()
	c := p.dial(t)
	go func() {
		for n := range newTopics {
			c.send(fmt.Sprintf("RPUSHX topics:n%d x\r\n", n))
		}
	}()
	for n := range newTopics {
		c.expect(":1")
		if n%64 == 0 {
			most = max(most, p.threads(t))
		}
	}
	c.send("DUMP 5000\r\n")
	c.line()
	return max(most, p.threads(t))
}
