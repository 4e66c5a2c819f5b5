package management

import "strings"

var processMetrics = []metric{
	{
		"sluice_build_info", gauge, labels("version", "goversion", "librdkafka"), "Always 1; its labels say what is running.",
		func(s *snapshot, out *series) { out.add(1, s.build.Version, s.build.Go, s.build.Librdkafka) },
	},
	{
		"sluice_ready", gauge, nil, "1 while clients are welcome; 0 while sluice starts, drains, or reaches no broker. /readyz has the reasons.",
		func(s *snapshot, out *series) { out.add(truth(s.ready)) },
	},
	{
		"sluice_watchdog_beat_age_seconds", gauge, labels("loop"),
		"How long ago a loop last turned; of several of a kind, the one that turned longest ago. Beyond sluice_watchdog_beat_gap_seconds it is stuck, and systemd restarts sluice.",
		func(s *snapshot, out *series) {
			for _, beat := range s.beats {
				out.largest(seconds(beat.Age), loopKind(beat.Loop))
			}
		},
	},
	{
		"sluice_watchdog_beat_gap_seconds", gauge, labels("loop"), "How long a turn of a loop may take.",
		func(s *snapshot, out *series) {
			for _, beat := range s.beats {
				out.largest(seconds(beat.Gap), loopKind(beat.Loop))
			}
		},
	},
	{
		"sluice_config_last_reload_success", gauge, nil, "1 when the configuration was taken the last time it was read, 0 when it has an error and the one before is in force.",
		func(s *snapshot, out *series) { out.add(truth(s.reload.OK)) },
	},
	{
		"sluice_config_last_reload_timestamp_seconds", gauge, nil, "When the configuration was last read, with or without success. The start counts.",
		func(s *snapshot, out *series) { out.add(float64(s.reload.At.UnixMilli()) / 1e3) },
	},
	{
		"sluice_log_lines_dropped_total", counter, nil, "Log lines that were given up because stderr took none: whoever reads it is stuck.",
		func(s *snapshot, out *series) { out.add(float64(s.logsDropped)) },
	},
	{
		seriesDropped, gauge, nil, "Series left out of this answer because a metric has more than 2000 of them.",
		func(s *snapshot, out *series) { out.add(float64(s.seriesDropped)) },
	},
}

const seriesDropped = "sluice_scrape_series_dropped"

// loopKind is what comes before the detail: "subscription" of "subscription:billing".
func loopKind(loop string) string {
	before, _, _ := strings.Cut(loop, ":")
	return before
}
