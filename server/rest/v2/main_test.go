package v2_test

import (
	"testing"

	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

func TestMain(m *testing.M) { resttest.Main(m, resttest.InV2) }
