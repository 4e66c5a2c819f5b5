package resttest

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// V3 returns the path of the cluster in version 3.
func (s *Sluice) V3() string {
	s.T.Helper()
	id, err := s.Client.ClusterID(Within(s.T, Patience))
	if err != nil || id == "" {
		s.T.Fatal(id, err)
	}
	return "/v3/clusters/" + id
}

// V3Group makes the group billing of another client. The group has committed 2 of 5 records of blobs.
func (s *Sluice) V3Group() (member string) {
	s.T.Helper()
	for i := range 5 {
		if answer, text := s.Ask("POST", "/topics/blobs", fmt.Sprintf(`{"records":[{"value":%d}]}`, i), "Content-Type", AsJSON); answer.StatusCode != 200 {
			s.T.Fatal(text)
		}
	}
	other, err := kgo.NewClient(kgo.SeedBrokers(s.Cluster.ListenAddrs()...), kgo.ConsumerGroup("billing"), kgo.ConsumeTopics("blobs"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.ClientID("other"), kgo.AutoCommitMarks())
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(other.Close)
	records := other.PollRecords(Within(s.T, Patience), 2).Records()
	if err := other.CommitRecords(Within(s.T, Patience), records...); err != nil {
		s.T.Fatal(err)
	}
	member, _ = other.GroupMetadata()
	return member
}
