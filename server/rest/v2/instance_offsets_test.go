package v2_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

func TestAnEmptyCommitCoversWhatRepliesBrought(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Fill(5)
	s.Instance(resttest.Manual, "blobs")
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000&max_bytes=1"), 0)
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000&max_bytes=1"), 1)
	s.Talk(resttest.Call("POST", resttest.W1+"/offsets", ``, 200, `[]`))
	s.WantCommitted(2)
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 2, 3, 4)
	s.WantCommitted(2)
	s.Talk(
		resttest.Call("DELETE", resttest.W1, ``, 204, ``),
		resttest.Call("POST", "/consumers/billing", resttest.Manual, 200, `*`),
		resttest.Call("POST", resttest.W1+"/subscription", `{"topics":["blobs"]}`, 204, ``),
	)
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 2, 3, 4) // at once, from the memory
	s.Talk(resttest.Call("POST", resttest.W1+"/offsets", `{}`, 200, `[]`))
	s.WantCommitted(5)
	s.WantBooks()
}

func TestOffsetsAreCommittedAsTheClientSays(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Fill(5)
	s.Instance(resttest.Manual, "blobs")
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 0, 1, 2, 3, 4)
	for _, c := range []struct {
		body string
		at   int64
	}{
		{`{"offsets":[{"topic":"blobs","partition":0,"offset":2}]}`, 3},
		{`{"offsets":[{"topic":"blobs","partition":0,"offset":"0"},{"topic":"blobs","partition":0,"offset":"3","metadata":"mine"}]}`, 4},
		{`{"offsets":[{"topic":"blobs","partition":0,"offset":0}]}`, 1},
		{`{"offsets":[]}`, 1},
		{`{"offsets":null}`, 5},
	} {
		s.Talk(resttest.Call("POST", resttest.W1+"/offsets", c.body, 200, `[]`))
		s.WantCommitted(c.at)
	}
	answer, text := s.Ask("POST", resttest.W1+"/offsets", `{"offsets":[{"topic":"orders","partition":0,"offset":2}]}`)
	resttest.WantFailure(t, "not subscribed to", answer, text, 409, 40903, "orders:0: not assigned here")
	s.Talk(resttest.Call("POST", resttest.W1+"/offsets?async=true", `{"offsets":[{"topic":"blobs","partition":0,"offset":2}]}`, 200, `[]`))
	resttest.Eventually(t, "the commit", func() bool { return s.Cluster.GroupInfo("billing").Commits["blobs"][0].Offset == 3 })
}

// Redpanda's clients name the next offset, and call the list partitions. Strimzi's do so too, and call it offsets.
func TestExactOffsetsAreCommittedAsTheyAre(t *testing.T) {
	t.Parallel()
	for name, exact := range map[string]bool{"partitions": false, "offsets": true} {
		s := resttest.Start(t, exchange.Options{V2Answers: exchange.V2Answers{ExactCommits: exact}})
		s.Fill(6)
		s.Instance(resttest.Manual, "blobs")
		resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000&max_bytes=1"), 0)
		s.Talk(resttest.Call("POST", resttest.W1+"/offsets", `{"`+name+`":[{"topic":"blobs","partition":0,"offset":3}]}`, 204, ``))
		s.WantCommitted(3)
		// Whoever asks now gets the same: the instance itself, and one that takes over from it.
		resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000&max_bytes=1"), 3)
		s.Talk(
			resttest.Call("DELETE", resttest.W1, ``, 204, ``),
			resttest.Call("POST", "/consumers/billing", resttest.Manual, 200, `*`),
			resttest.Call("POST", resttest.W1+"/subscription", `{"topics":["blobs"]}`, 204, ``),
		)
		resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 3, 4, 5)
	}
}

func TestAutomaticCommitsCoverWhatCameBeforeTheLastReply(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Fill(3)
	s.Instance(resttest.Automatic, "blobs")
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000&max_bytes=1"), 0)
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000&max_bytes=1"), 1)
	committed := func() int64 { return s.Cluster.GroupInfo("billing").Commits["blobs"][0].Offset }
	resttest.Eventually(t, "the first commit", func() bool { return committed() == 1 })
	s.Talk(
		resttest.Call("DELETE", resttest.W1, ``, 204, ``),
		resttest.Call("POST", "/consumers/billing", resttest.Automatic, 200, `*`),
		resttest.Call("POST", resttest.W1+"/subscription", `{"topics":["blobs"]}`, 204, ``),
	)
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000&max_bytes=1"), 1) // nobody said that it is done
	s.Talk(resttest.Call("POST", resttest.W1+"/offsets", ``, 200, `[]`))
	s.WantCommitted(2)
}

// A commit that the brokers do not confirm is an error.
func TestACommitThatNobodyConfirmsIsNoSuccess(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Fill(1)
	s.Instance(resttest.Manual, "blobs")
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 0)
	fault := s.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.RebalanceInProgress, Count: 1})
	answer, text := s.Ask("POST", resttest.W1+"/offsets", "")
	resttest.WantFailure(t, "commit", answer, text, 503, 50003, "rebalanced")
	fault.Remove()
	s.Talk(resttest.Call("POST", resttest.W1+"/offsets", ``, 200, `[]`))
	s.WantCommitted(1)
}
