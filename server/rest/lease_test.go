package rest

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/lender"
)

// clock is the lenders' time, which goes on by itself and can be turned forward.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// forward turns the clock, and lets every lender look at it.
func (c *clock) forward(s *lender.Lenders, d time.Duration) {
	c.ahead.Add(int64(d))
	s.Wake()
}

func startWithClock(t *testing.T) (*sluice, *clock) {
	s, c := start(t, Options{}), &clock{}
	s.door.v1.lenders.Now = c.now
	return s, c
}

func TestSettlements(t *testing.T) {
	s := start(t, Options{})
	s.put("blobs", 0, numbers(6)...)
	got := s.take("a", all)
	if len(got) != 6 {
		t.Fatalf("%+v", got)
	}
	lease := func(i int) string { return got[i].Lease }
	other := s.take("b", all)
	for _, c := range []struct{ body, said string }{
		{`{}`, tallied(0, 0, 0, 0)},
		{`{"ack":[],"release":[],"renew":[],"reject":[]}`, tallied(0, 0, 0, 0)},
		{`{"ack":["` + lease(0) + `","` + lease(0) + `"]}`, tallied(1, 0, 0, 1)},
		{`{"renew":["` + lease(1) + `",{"lease":"` + lease(1) + `","ack_timeout_ms":60000}]}`, tallied(0, 0, 2, 0)},
		{`{"ack":[{"topic":"blobs","partition":0,"offset":1,"delivery":1,"lease":"` + lease(1) + `"}]}`, tallied(1, 0, 0, 0)},
		{`{"release":["` + lease(2) + `",{"lease":"` + lease(3) + `","delay_ms":86400000}]}`, tallied(0, 2, 0, 0)},
		{`{"ack":["` + lease(2) + `","` + lease(3) + `"],"renew":["` + lease(2) + `"],"release":["` + lease(3) + `"]}`, tallied(0, 0, 0, 4)},
		{`{"ack":["` + other[4].Lease + `","` + lease(4) + `"]}`, tallied(1, 0, 0, 1)}, // the other is of group b
		{`{"ack":["` + strings.Repeat("A", 21) + `Q"]}`, tallied(0, 0, 0, 1)},
	} {
		if said := s.settle("a", c.body); said != c.said {
			t.Errorf("%s: %s, want %s", c.body, said, c.said)
		}
	}
	if again := s.take("a", all); len(again) != 1 || again[0].Offset != 2 || again[0].Delivery != 2 || again[0].Lease == lease(2) {
		t.Errorf("%+v", again)
	}
	s.balanced()
}

func TestSettlementsThatAreNotTaken(t *testing.T) {
	s := start(t, Options{MaxBody: 400_000})
	s.put("blobs", 0, numbers(2)...)
	got := s.take("a", all)
	good := `"` + got[0].Lease + `"`
	for _, c := range []struct {
		query, body  string
		status, code int
		message      string
	}{
		{"", ``, 400, 400, "byte 0"},
		{"", `{"ack":[` + good + `]`, 400, 400, "expected ,"},
		{"", `{"ack":[` + good + `]} x`, 400, 400, "nothing more"},
		{"", `{"ack":["` + "\xff" + `"]}`, 400, 400, "UTF-8"},
		{"", `[]`, 422, 422, "an object with"},
		{"", `{"ack":` + good + `}`, 422, 422, `"ack" is not a list`},
		{"", `{"acks":[` + good + `]}`, 422, 422, "Unrecognized field: acks"},
		{"", `{"ack":[1]}`, 422, 422, "expected a lease"},
		{"", `{"ack":[""]}`, 422, 422, "is no lease"},
		{"", `{"ack":[` + good + `,"AAAA"]}`, 422, 422, `"AAAA" is no lease`},
		{"", `{"ack":["` + strings.Repeat("A", 22) + `"]}`, 422, 422, "is no lease"},
		{"", `{"ack":["` + strings.Repeat("?", 22) + `"]}`, 422, 422, "is no lease"},
		{"", `{"ack":[{"lease":7}]}`, 422, 422, "7 is no lease"},
		{"", `{"ack":[{"topic":"blobs","partition":0,"offset":0}]}`, 422, 422, "which delivery is meant"},
		{"", `{"ack":[{"lease":` + good + `,"delay_ms":1}]}`, 422, 422, "Unrecognized field: delay_ms"},
		{"", `{"release":[{"lease":` + good + `,"delay_ms":86400001}]}`, 422, 422, "from 0 to 86400000"},
		{"", `{"release":[{"lease":` + good + `,"delay_ms":-1}]}`, 422, 422, "delay_ms"},
		{"", `{"release":[{"lease":` + good + `,"delay_ms":"1"}]}`, 422, 422, "delay_ms"},
		{"", `{"renew":[{"lease":` + good + `,"ack_timeout_ms":999}]}`, 422, 422, "from 1000 to 43200000"},
		{"", `{"ack":[` + good + `],"reject":[{"lease":"` + got[1].Lease + `","reason":"bad sku"}]}`, 409, 409, "no dead-letter topic"},
		{"", `{"ack":[` + strings.Repeat(good+",", 10_000) + good + `]}`, 413, 413, "10000 leases"},
		{"", strings.Repeat(" ", 400_001), 413, 413, "400000 bytes"},
		{"?async=true", `{"ack":[` + good + `]}`, 422, 422, "async"},
	} {
		answer, text := s.ask("POST", "/v1/groups/a/acks"+c.query, c.body)
		wantFailure(t, c.body[:min(len(c.body), 100)], answer, text, c.status, c.code, c.message)
	}
	answer, text := s.ask("GET", "/v1/groups/a/acks", "")
	wantFailure(t, "GET", answer, text, 405, 405, "POST")
	if said := s.settle("a", `{"ack":`+leasesOf(got)+`}`); said != tallied(2, 0, 0, 0) { // nothing of it was done
		t.Error(said)
	}
}

func TestALeaseEndsByItself(t *testing.T) {
	s, c := startWithClock(t)
	s.put("blobs", 0, numbers(3)...)
	first := s.take("a", all+"&ack_timeout=30s")
	if len(first) != 3 {
		t.Fatalf("%+v", first)
	}
	s.settle("a", `{"ack":["`+first[1].Lease+`"],"renew":[{"lease":"`+first[2].Lease+`","ack_timeout_ms":90000}]}`)
	c.forward(s.door.v1.lenders, 29*time.Second)
	if early := s.take("a", "topics=blobs&wait=0s"); len(early) != 0 {
		t.Errorf("too early: %+v", early)
	}
	waits := s.later(func() (*reply, string) { return s.ask("GET", "/v1/groups/a/messages?"+all, "") })
	eventually(t, "it waits", func() bool { return s.door.Stats().Waiting == 1 })
	c.forward(s.door.v1.lenders, 2*time.Second)
	second := s.messages((<-waits).text)
	if len(second) != 1 || second[0].Offset != 0 || second[0].Delivery != 2 || second[0].Lease == first[0].Lease {
		t.Fatalf("%+v", second)
	}
	// A late acknowledgement is not for who has the record now.
	if said := s.settle("a", `{"ack":["`+first[0].Lease+`"]}`); said != tallied(0, 0, 0, 1) {
		t.Error(said)
	}
	if said := s.settle("a", `{"ack":["`+second[0].Lease+`","`+first[2].Lease+`"]}`); said != tallied(2, 0, 0, 0) {
		t.Error(said)
	}
	s.balanced()
}

func TestALeaseWhoseTimeIsOverIsStaleAtOnce(t *testing.T) {
	s, c := startWithClock(t)
	s.put("blobs", 0, `0`)
	first := s.take("a", all+"&ack_timeout=30s")
	c.ahead.Add(int64(31 * time.Second)) // the lender has not looked yet
	if said := s.settle("a", `{"ack":["`+first[0].Lease+`"]}`); said != tallied(0, 0, 0, 1) {
		t.Error(said)
	}
}

func TestAReleasedRecordRests(t *testing.T) {
	s, c := startWithClock(t)
	s.put("blobs", 0, numbers(2)...)
	first := s.take("a", all)
	s.settle("a", `{"release":[{"lease":"`+first[0].Lease+`","delay_ms":30000}],"ack":["`+first[1].Lease+`"]}`)
	s.put("blobs", 0, `2`) // not kept back
	if next := s.take("a", all); len(next) != 1 || next[0].Offset != 2 {
		t.Errorf("%+v", next)
	}
	c.forward(s.door.v1.lenders, 31*time.Second)
	if again := s.take("a", all); len(again) != 1 || again[0].Offset != 0 || again[0].Delivery != 2 {
		t.Errorf("%+v", again)
	}
	s.balanced()
}

func TestALenderThatNobodyNeedsEnds(t *testing.T) {
	s, c := startWithClock(t)
	s.put("blobs", 0, `0`)
	got := s.take("a", all)
	c.forward(s.door.v1.lenders, time.Minute/2)
	s.settle("a", `{"ack":`+leasesOf(got)+`}`)
	if n := s.client.Stats().Members; n != 1 {
		t.Errorf("%d members", n)
	}
	eventually(t, "it is gone", func() bool {
		c.forward(s.door.v1.lenders, lender.Linger)
		return s.client.Stats().Members == 0
	})
	if said := s.settle("a", `{"ack":`+leasesOf(got)+`}`); said != tallied(0, 0, 0, 1) {
		t.Error(said)
	}
	s.put("blobs", 0, `1`)
	if got := s.take("a", all); len(got) != 1 || got[0].Offset != 1 {
		t.Errorf("%+v", got)
	}
}

// A partition that was away has another book: what was lent before must not count for what is lent now.
func TestLeasesDoNotOutliveTheirPartition(t *testing.T) {
	const query = "topics=orders&wait=20s&heartbeat.interval.ms=100"
	s := start(t, Options{})
	for p := range 3 {
		s.put("orders", p, `0`)
	}
	var first []message
	for len(first) < 3 {
		first = append(first, s.take("a", query)...)
	}
	other, err := kafka.Open(s.configured(), testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	assigned := func(c *kafka.Client) int { return c.Status().Subscriptions[0].Partitions }
	join := func(in kafka.Interest) (*kafka.Member, error) {
		return other.Join(kafka.Identity{Group: "a", Name: "b"}, in, func() {})
	}
	if _, err := join(kafka.Interest{Topics: []string{"orders"}, Overrides: kafka.Properties{"heartbeat.interval.ms": "100"}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a partition moves", func() bool { return assigned(other) == 1 && assigned(s.client) == 2 })
	if err := other.Close(within(t, patience)); err != nil {
		t.Fatal(err)
	}
	second := s.take("a", query)
	if len(second) != 1 || second[0].Delivery != 1 {
		t.Fatalf("%+v", second)
	}
	for _, m := range first {
		want := tallied(1, 0, 0, 0)
		if m.Partition == second[0].Partition {
			want = tallied(0, 0, 0, 1)
		}
		if said := s.settle("a", `{"ack":["`+m.Lease+`"]}`); said != want {
			t.Errorf("%+v: %s", m, said)
		}
	}
	if said := s.settle("a", `{"ack":`+leasesOf(second)+`}`); said != tallied(1, 0, 0, 0) {
		t.Error(said)
	}
	s.balanced()
}

func TestSettlingGoesOnWhileSluiceStops(t *testing.T) {
	s := start(t, Options{})
	s.put("blobs", 0, numbers(2)...)
	got := s.take("a", all)
	s.settle("a", `{"release":[{"lease":"`+got[1].Lease+`","delay_ms":30000}]}`) // nobody waits for that one
	drained := make(chan int)
	go func() { drained <- s.door.Drain(within(t, patience)) }()
	eventually(t, "it stops", func() bool {
		answer, _ := s.ask("GET", "/v1/groups/a/messages?"+all, "")
		return answer.StatusCode == 503
	})
	if said := s.settle("a", `{"ack":["`+got[0].Lease+`"]}`); said != tallied(1, 0, 0, 0) {
		t.Error(said)
	}
	if cut := <-drained; cut != 0 {
		t.Errorf("%d were cut", cut)
	}
	s.balanced()
	if n := s.client.Stats().Members; n != 0 {
		t.Errorf("%d members", n)
	}
}

func TestASluiceThatStopsDoesNotWaitForEver(t *testing.T) {
	s := start(t, Options{DrainGrace: 50 * time.Millisecond})
	s.put("blobs", 0, `0`)
	s.take("a", all)
	s.door.Drain(within(t, patience))
	s.balanced()
}

// Many workers share two partitions. Some are slow, some give records back, some never answer, and the clock
// runs: every record is acknowledged exactly once, and in the end Kafka knows that all are.
func TestParallelWorkers(t *testing.T) {
	const records, workers = 2000, 12
	s, c := startWithClock(t)
	s.put("orders", 0, numbers(records/2)...)
	s.put("orders", 2, numbers(records/2)...)
	var mu sync.Mutex
	acked, held := map[string]int{}, map[string]string{}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(acked)
	}
	var work sync.WaitGroup
	for w := range workers {
		work.Go(func() {
			for round := 0; count() < records; round++ {
				got := s.take("a", "topics=orders&wait=100ms&ack_timeout=5s&max="+fmt.Sprint(1+(w*7+round)%50))
				for _, m := range got {
					place := fmt.Sprintf("%d/%d", m.Partition, m.Offset)
					switch (int(m.Offset) + w + round) % 9 {
					case 0: // forgotten
						mu.Lock()
						held[place] = m.Lease
						mu.Unlock()
					case 1:
						s.settle("a", `{"release":["`+m.Lease+`"]}`)
					default:
						mu.Lock()
						if s.settle("a", `{"ack":["`+m.Lease+`"]}`) == tallied(1, 0, 0, 0) {
							acked[place]++
						}
						mu.Unlock()
					}
				}
				if len(got) == 0 {
					c.forward(s.door.v1.lenders, 6*time.Second)
				}
			}
		})
	}
	work.Wait()
	for place, n := range acked {
		if n != 1 {
			t.Errorf("%s was acknowledged %d times", place, n)
		}
	}
	for place, lease := range held { // all of them have ended
		if said := s.settle("a", `{"ack":["`+lease+`"]}`); said != tallied(0, 0, 0, 1) {
			t.Errorf("%s: %s", place, said)
		}
	}
	if len(acked) != records || s.door.v1.lenders.Stats().Lent != 0 {
		t.Errorf("%d of %d, %d in hands", len(acked), records, s.door.v1.lenders.Stats().Lent)
	}
	s.balanced()
	_, err := s.cluster.WaitGroupInfo(within(t, patience), "a", func(g *kfake.GroupInfo) bool {
		return g != nil && g.Commits["orders"][0].Offset == records/2 && g.Commits["orders"][2].Offset == records/2
	})
	if err != nil {
		t.Errorf("%v: %+v", err, s.cluster.GroupInfo("a"))
	}
}

func FuzzSettlements(f *testing.F) {
	good := "AAAAAQAAAAIAAAAAAAAAAw"
	f.Add([]byte(`{"ack":["` + good + `"],"release":[{"lease":"` + good + `","delay_ms":1}]}`))
	f.Add([]byte(`{"renew":[{"lease":"` + good + `","ack_timeout_ms":1000}],"reject":[]}`))
	f.Add([]byte(`{"ack":[{"topic":"t","lease":null}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := parseAcks(body)
		if err != nil {
			if f := asFailure(err); f.status < 400 || f.status >= 500 || f.message == "" {
				t.Fatalf("%q: %d %s", body, f.status, f.message)
			}
			return
		}
		for _, s := range list {
			back, ok := lender.ParseID(s.Lease.Append(nil))
			if !ok || back != s.Lease || s.Span < 0 || s.Span > longestDelay || s.Verb == lender.Reject {
				t.Fatalf("%q: %+v", body, s)
			}
		}
	})
}
