package kafka

import (
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// patience bounds each test: a group's session has to time out in some of them.
const patience = 3 * time.Minute

func TestMain(m *testing.M) { harnesstest.MainWaiting(m) }
