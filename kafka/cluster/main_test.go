package cluster

import (
	"testing"

	"github.com/sluice-proxy/sluice/kafka/kafkatest"
)

func TestMain(m *testing.M) { kafkatest.Main(m) }
