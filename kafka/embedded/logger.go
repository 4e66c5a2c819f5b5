package embedded

import (
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kfake"
)

// logger passes kfake's lines on. kfake logs every request at Info, so these lines go to Debug.
type logger struct{ to *slog.Logger }

// Logf implements kfake.Logger.
func (l logger) Logf(level kfake.LogLevel, format string, args ...any) {
	message := slog.String("what", fmt.Sprintf(format, args...))
	switch level {
	case kfake.LogLevelError:
		l.to.Error("embedded broker", message)
	case kfake.LogLevelWarn:
		l.to.Warn("embedded broker", message)
	default:
		l.to.Debug("embedded broker", message)
	}
}
