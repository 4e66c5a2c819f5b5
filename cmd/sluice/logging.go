package main

import (
	"io"
	"log/slog"
)

// newLogger writes records of at least the configured level, as text or as JSON, one a line.
func newLogger(to io.Writer, cfg logConfig) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.Level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}
