package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-proxy/sluice/kafka"
)

var (
	sampleTopics = []kafka.Topic{
		{Name: "greetings", Partitions: []kafka.PartitionInfo{
			{ID: 0, Leader: 1, Replicas: []int32{1, 2, 3}, InSync: []int32{1, 3}, Low: 10, High: 25},
			{ID: 1, Leader: -1, Replicas: []int32{2}, Low: 0, High: 0},
		}},
		{Name: "x"},
	}
	sampleGroup = kafka.Group{
		Name: "myapp", State: "Stable", Protocol: "cooperative-sticky",
		Members: []kafka.GroupMember{{
			ID: "sluice-1", ClientID: "sluice", Host: "/10.0.0.7",
			Assigned: []kafka.TopicPartition{{Topic: "greetings", Partition: 0}},
		}},
		Offsets: []kafka.GroupOffset{
			{TopicPartition: kafka.TopicPartition{Topic: "greetings", Partition: 0}, Committed: 20, End: 25, Lag: 5},
			{TopicPartition: kafka.TopicPartition{Topic: "greetings", Partition: 1}, Committed: -1, End: 3, Lag: 3},
		},
	}
)

func TestTables(t *testing.T) {
	for _, test := range []struct {
		name       string
		table      table
		text, json string
	}{
		{"topics", topicsTable(sampleTopics), `
TOPIC      PARTITIONS  RECORDS
greetings  2           15
x          0           0
`, `
[
  {
    "name": "greetings",
    "partitions": 2,
    "records": 15
  },
  {
    "name": "x",
    "partitions": 0,
    "records": 0
  }
]
`},
		{"partitions", partitionsTable(sampleTopics[0]), `
PARTITION  LEADER  REPLICAS  IN-SYNC  LOW  HIGH
0          1       1,2,3     1,3      10   25
1          -1      2         -        0    0
`, `
{
  "name": "greetings",
  "partitions": [
    {
      "partition": 0,
      "leader": 1,
      "replicas": [
        1,
        2,
        3
      ],
      "in_sync": [
        1,
        3
      ],
      "low": 10,
      "high": 25
    },
    {
      "partition": 1,
      "leader": -1,
      "replicas": [
        2
      ],
      "in_sync": [],
      "low": 0,
      "high": 0
    }
  ]
}
`},
		{"groups", groupsTable([]kafka.Group{sampleGroup, {Name: "idle", State: "Empty"}}), `
GROUP  STATE   PROTOCOL            MEMBERS  LAG
myapp  Stable  cooperative-sticky  1        8
idle   Empty   -                   0        0
`, `
[
  {
    "name": "myapp",
    "state": "Stable",
    "protocol": "cooperative-sticky",
    "members": 1,
    "lag": 8
  },
  {
    "name": "idle",
    "state": "Empty",
    "protocol": "",
    "members": 0,
    "lag": 0
  }
]
`},
		{"offsets", offsetsTable(sampleGroup), `
TOPIC      PARTITION  COMMITTED  END  LAG  MEMBER
greetings  0          20         25   5    sluice@10.0.0.7
greetings  1          -          3    3    -
`, `
{
  "name": "myapp",
  "state": "Stable",
  "protocol": "cooperative-sticky",
  "members": 1,
  "lag": 8,
  "offsets": [
    {
      "topic": "greetings",
      "partition": 0,
      "committed": 20,
      "end": 25,
      "lag": 5,
      "member": "sluice@10.0.0.7"
    },
    {
      "topic": "greetings",
      "partition": 1,
      "committed": null,
      "end": 3,
      "lag": 3,
      "member": ""
    }
  ]
}
`},
		{"nothing", topicsTable(nil), "\nTOPIC  PARTITIONS  RECORDS\n", "\n[]\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var text, json strings.Builder
			if err := (&clusterFlags{}).print(&text, test.table); err != nil {
				t.Fatal(err)
			}
			if err := (&clusterFlags{JSON: true}).print(&json, test.table); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.text[1:], text.String()); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.json[1:], json.String()); diff != "" {
				t.Errorf("JSON (-want +got):\n%s", diff)
			}
		})
	}
}
