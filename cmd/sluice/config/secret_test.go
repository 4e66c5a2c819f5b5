package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/cmd/sluice/logging"
)

func TestASecretIsNeverShown(t *testing.T) {
	cfg := Default()
	cfg.Users.Password = Secret{"hunter2"}
	var out strings.Builder
	for _, format := range []string{"text", "json"} {
		log := logging.New(&out, logging.Config{Level: slog.LevelInfo, Format: format})
		log.Info("configured", "password", cfg.Users.Password, "all", cfg.Users)
	}
	fmt.Fprintf(&out, "%v %+v %#v %s %q\n", cfg.Users, cfg.Users, cfg.Users, cfg.Users.Password, cfg.Users.Password)
	if err := json.NewEncoder(&out).Encode(cfg.Users); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "hunter2") {
		t.Error(out.String())
	}
	if n := strings.Count(out.String(), redacted); n < 10 {
		t.Errorf("only %d times %s in\n%s", n, redacted, out.String())
	}
}
