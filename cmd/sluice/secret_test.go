package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestASecretIsNeverShown(t *testing.T) {
	cfg := defaultConfig()
	cfg.RESP.Password = Secret{"hunter2"}
	var out strings.Builder
	for _, format := range []string{"text", "json"} {
		log := newLogger(&out, logConfig{slog.LevelInfo, format})
		log.Info("configured", "password", cfg.RESP.Password, "all", cfg.RESP)
	}
	fmt.Fprintf(&out, "%v %+v %#v %s %q\n", cfg.RESP, cfg.RESP, cfg.RESP, cfg.RESP.Password, cfg.RESP.Password)
	if err := json.NewEncoder(&out).Encode(cfg.RESP); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "hunter2") {
		t.Error(out.String())
	}
	if n := strings.Count(out.String(), redacted); n < 10 {
		t.Errorf("only %d times %s in\n%s", n, redacted, out.String())
	}
}
