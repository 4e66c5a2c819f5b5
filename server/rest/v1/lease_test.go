package v1_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/lender"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

func TestSettlements(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Put("blobs", 0, resttest.Numbers(6)...)
	got := s.Take("a", resttest.All)
	if len(got) != 6 {
		t.Fatalf("%+v", got)
	}
	lease := func(i int) string { return got[i].Lease }
	other := s.Take("b", resttest.All)
	for _, c := range []struct{ body, said string }{
		{`{}`, resttest.Tallied(0, 0, 0, 0)},
		{`{"ack":[],"release":[],"renew":[],"reject":[]}`, resttest.Tallied(0, 0, 0, 0)},
		{`{"ack":["` + lease(0) + `","` + lease(0) + `"]}`, resttest.Tallied(1, 0, 0, 1)},
		{`{"renew":["` + lease(1) + `",{"lease":"` + lease(1) + `","ack_timeout_ms":60000}]}`, resttest.Tallied(0, 0, 2, 0)},
		{`{"ack":[{"topic":"blobs","partition":0,"offset":1,"delivery":1,"lease":"` + lease(1) + `"}]}`, resttest.Tallied(1, 0, 0, 0)},
		{`{"release":[{"lease":"` + lease(2) + `","delay_ms":0},{"lease":"` + lease(3) + `","delay_ms":86400000}]}`, resttest.Tallied(0, 2, 0, 0)},
		{`{"ack":["` + lease(2) + `","` + lease(3) + `"],"renew":["` + lease(2) + `"],"release":["` + lease(3) + `"]}`, resttest.Tallied(0, 0, 0, 4)},
		{`{"ack":["` + other[4].Lease + `","` + lease(4) + `"]}`, resttest.Tallied(1, 0, 0, 1)}, // the other is of group b
		{`{"ack":["` + strings.Repeat("A", 21) + `Q"]}`, resttest.Tallied(0, 0, 0, 1)},
	} {
		if said := s.Settle("a", c.body); said != c.said {
			t.Errorf("%s: %s, want %s", c.body, said, c.said)
		}
	}
	if again := s.Take("a", resttest.All); len(again) != 1 || again[0].Offset != 2 || again[0].Delivery != 2 || again[0].Lease == lease(2) {
		t.Errorf("%+v", again)
	}
	s.Balanced()
}

func TestSettlementsThatAreNotTaken(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Limits: exchange.Limits{MaxBody: 400_000}})
	s.Put("blobs", 0, resttest.Numbers(2)...)
	got := s.Take("a", resttest.All)
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
		answer, text := s.Ask("POST", "/v1/groups/a/acks"+c.query, c.body)
		resttest.WantFailure(t, c.body[:min(len(c.body), 100)], answer, text, c.status, c.code, c.message)
	}
	answer, text := s.Ask("GET", "/v1/groups/a/acks", "")
	resttest.WantFailure(t, "GET", answer, text, 405, 405, "POST")
	if said := s.Settle("a", `{"ack":`+resttest.LeasesOf(got)+`}`); said != resttest.Tallied(2, 0, 0, 0) { // nothing of it was done
		t.Error(said)
	}
}

func TestALeaseEndsByItself(t *testing.T) {
	t.Parallel()
	s, c := resttest.StartWithClock(t)
	s.Put("blobs", 0, resttest.Numbers(3)...)
	first := s.Take("a", resttest.All+"&ack_timeout=30s")
	if len(first) != 3 {
		t.Fatalf("%+v", first)
	}
	s.Settle("a", `{"ack":["`+first[1].Lease+`"],"renew":[{"lease":"`+first[2].Lease+`","ack_timeout_ms":90000}]}`)
	c.Forward(29 * time.Second)
	if early := s.Take("a", "topics=blobs&wait=0s"); len(early) != 0 {
		t.Errorf("too early: %+v", early)
	}
	waits := s.Later(func() (*resttest.Reply, string) { return s.Ask("GET", "/v1/groups/a/messages?"+resttest.All, "") })
	resttest.Eventually(t, "it waits", func() bool { return s.Door.Stats().Waiting == 1 })
	c.Forward(2 * time.Second)
	second := s.Messages((<-waits).Text)
	if len(second) != 1 || second[0].Offset != 0 || second[0].Delivery != 2 || second[0].Lease == first[0].Lease {
		t.Fatalf("%+v", second)
	}
	// A late acknowledgement is not for who has the record now.
	if said := s.Settle("a", `{"ack":["`+first[0].Lease+`"]}`); said != resttest.Tallied(0, 0, 0, 1) {
		t.Error(said)
	}
	if said := s.Settle("a", `{"ack":["`+second[0].Lease+`","`+first[2].Lease+`"]}`); said != resttest.Tallied(2, 0, 0, 0) {
		t.Error(said)
	}
	s.Balanced()
}

func TestALeaseWhoseTimeIsOverIsStaleAtOnce(t *testing.T) {
	t.Parallel()
	s, c := resttest.StartWithClock(t)
	s.Put("blobs", 0, `0`)
	first := s.Take("a", resttest.All+"&ack_timeout=30s")
	c.Ahead.Add(int64(31 * time.Second)) // the lender has not looked yet
	if said := s.Settle("a", `{"ack":["`+first[0].Lease+`"]}`); said != resttest.Tallied(0, 0, 0, 1) {
		t.Error(said)
	}
}

func TestAReleasedRecordRests(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Put("blobs", 0, resttest.Numbers(2)...)
	first := s.Take("a", resttest.All)
	s.Settle("a", `{"release":[{"lease":"`+first[0].Lease+`","delay_ms":500}],"ack":["`+first[1].Lease+`"]}`)
	s.Put("blobs", 0, `2`) // not kept back
	if next := s.Take("a", resttest.All); len(next) != 1 || next[0].Offset != 2 {
		t.Errorf("%+v", next)
	}
	if again := s.Take("a", resttest.All); len(again) != 1 || again[0].Offset != 0 || again[0].Delivery != 2 {
		t.Errorf("%+v", again)
	}
	s.Balanced()
}

func TestALenderThatNobodyNeedsEnds(t *testing.T) {
	t.Parallel()
	s, c := resttest.StartWithClock(t)
	s.Put("blobs", 0, `0`)
	got := s.Take("a", resttest.All)
	c.Forward(time.Minute / 2)
	s.Settle("a", `{"ack":`+resttest.LeasesOf(got)+`}`)
	if n := s.Client.Stats().Members; n != 1 {
		t.Errorf("%d members", n)
	}
	resttest.Eventually(t, "it is gone", func() bool {
		c.Forward(lender.Linger)
		return s.Client.Stats().Members == 0
	})
	if said := s.Settle("a", `{"ack":`+resttest.LeasesOf(got)+`}`); said != resttest.Tallied(0, 0, 0, 1) {
		t.Error(said)
	}
	s.Put("blobs", 0, `1`)
	if got := s.Take("a", resttest.All); len(got) != 1 || got[0].Offset != 1 {
		t.Errorf("%+v", got)
	}
}

// A partition that was away has another generation: an old lease must not count for a new record.
func TestLeasesDoNotOutliveTheirPartition(t *testing.T) {
	t.Parallel()
	const query = "topics=orders&wait=20s&heartbeat.interval.ms=100"
	s := resttest.Start(t, exchange.Options{})
	for p := range 3 {
		s.Put("orders", p, `0`)
	}
	var first []resttest.Message
	for len(first) < 3 {
		first = append(first, s.Take("a", query)...)
	}
	other, err := kafka.Open(s.Configured(), resttest.TestLog(t))
	if err != nil {
		t.Fatal(err)
	}
	assigned := func(c *kafka.Client) int { return c.Status().Subscriptions[0].Partitions }
	join := func(in kafka.SubscribeOptions) (*kafka.Member, error) {
		return other.Join(kafka.Identity{Group: "a", Name: "b"}, in, func() {})
	}
	if _, err := join(kafka.SubscribeOptions{Topics: []string{"orders"}, Overrides: kafka.Properties{"heartbeat.interval.ms": "100"}}); err != nil {
		t.Fatal(err)
	}
	resttest.Eventually(t, "a partition moves", func() bool { return assigned(other) == 1 && assigned(s.Client) == 2 })
	if err := other.Close(resttest.Within(t, resttest.Patience)); err != nil {
		t.Fatal(err)
	}
	second := s.Take("a", query)
	if len(second) != 1 || second[0].Delivery != 1 {
		t.Fatalf("%+v", second)
	}
	for _, m := range first {
		want := resttest.Tallied(1, 0, 0, 0)
		if m.Partition == second[0].Partition {
			want = resttest.Tallied(0, 0, 0, 1)
		}
		if said := s.Settle("a", `{"ack":["`+m.Lease+`"]}`); said != want {
			t.Errorf("%+v: %s", m, said)
		}
	}
	if said := s.Settle("a", `{"ack":`+resttest.LeasesOf(second)+`}`); said != resttest.Tallied(1, 0, 0, 0) {
		t.Error(said)
	}
	s.Balanced()
}

func TestSettlingGoesOnWhileSluiceStops(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Put("blobs", 0, resttest.Numbers(2)...)
	got := s.Take("a", resttest.All)
	s.Settle("a", `{"release":[{"lease":"`+got[1].Lease+`","delay_ms":30000}]}`) // nobody waits for that one
	drained := make(chan int)
	go func() { drained <- s.Door.Drain(resttest.Within(t, resttest.Patience)) }()
	resttest.Eventually(t, "it stops", func() bool {
		answer, _ := s.Ask("GET", "/v1/groups/a/messages?"+resttest.All, "")
		return answer.StatusCode == 503
	})
	if said := s.Settle("a", `{"ack":["`+got[0].Lease+`"]}`); said != resttest.Tallied(1, 0, 0, 0) {
		t.Error(said)
	}
	if cut := <-drained; cut != 0 {
		t.Errorf("%d were cut", cut)
	}
	s.Balanced()
	if n := s.Client.Stats().Members; n != 0 {
		t.Errorf("%d members", n)
	}
}

func TestASluiceThatStopsDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Timeouts: exchange.Timeouts{DrainGrace: 50 * time.Millisecond}})
	s.Put("blobs", 0, `0`)
	s.Take("a", resttest.All)
	s.Door.Drain(resttest.Within(t, resttest.Patience))
	s.Balanced()
}

// Many workers share two partitions. Some are slow, some give records back, some never answer, and the clock runs.
// Every record must be acknowledged exactly once, and Kafka must know it in the end.
func TestParallelWorkers(t *testing.T) {
	t.Parallel()
	const records, workers = 2000, 12
	s, c := resttest.StartWithClock(t)
	s.Policy(kafka.Policy{Backoff: time.Millisecond, MaxBackoff: time.Millisecond, MaxRetries: kafka.Unlimited})
	s.Put("orders", 0, resttest.Numbers(records/2)...)
	s.Put("orders", 2, resttest.Numbers(records/2)...)
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
				got := s.Take("a", "topics=orders&wait=100ms&ack_timeout=5s&max="+fmt.Sprint(1+(w*7+round)%50))
				for _, m := range got {
					place := fmt.Sprintf("%d/%d", m.Partition, m.Offset)
					switch (int(m.Offset) + w + round) % 9 {
					case 0: // forgotten
						mu.Lock()
						held[place] = m.Lease
						mu.Unlock()
					case 1:
						s.Settle("a", `{"release":["`+m.Lease+`"]}`)
					default:
						mu.Lock()
						if s.Settle("a", `{"ack":["`+m.Lease+`"]}`) == resttest.Tallied(1, 0, 0, 0) {
							acked[place]++
						}
						mu.Unlock()
					}
				}
				if len(got) == 0 {
					c.Forward(6 * time.Second)
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
		if said := s.Settle("a", `{"ack":["`+lease+`"]}`); said != resttest.Tallied(0, 0, 0, 1) {
			t.Errorf("%s: %s", place, said)
		}
	}
	if len(acked) != records || s.Leased() != 0 {
		t.Errorf("%d of %d, %d in hands", len(acked), records, s.Leased())
	}
	s.Balanced()
	_, err := s.Cluster.WaitGroupInfo(resttest.Within(t, resttest.Patience), "a", func(g *kfake.GroupInfo) bool {
		return g != nil && g.Commits["orders"][0].Offset == records/2 && g.Commits["orders"][2].Offset == records/2
	})
	if err != nil {
		t.Errorf("%v: %+v", err, s.Cluster.GroupInfo("a"))
	}
}
