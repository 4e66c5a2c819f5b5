package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/sluice-proxy/sluice/kafka"
)

// profilesKey is the one setting of which a part may wait for a restart: a profile's properties may
// change while sluice runs, but no producer comes or goes.
const profilesKey = "kafka.profiles"

// compareProfiles names the profiles that differ.
func compareProfiles(running, next map[string]kafka.Properties) []change {
	var changes []change
	names := map[string]kafka.Properties{}
	maps.Copy(names, running)
	maps.Copy(names, next)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		before, was := running[name]
		after, is := next[name]
		always := name == kafka.Delivered || name == kafka.Buffered // in the file or not
		switch {
		case was != is && !always:
			changes = append(changes, change{join(profilesKey, name), atRestart})
		case !maps.Equal(before, after):
			changes = append(changes, change{join(profilesKey, name), newRecords})
		}
	}
	return changes
}

// keepProfiles is keep for single profiles.
func (r *reloading) keepProfiles() {
	profiles := map[string]kafka.Properties{}
	maps.Copy(profiles, r.config.Kafka.Profiles)
	for _, change := range r.changes {
		name, found := strings.CutPrefix(change.key, profilesKey+".")
		if !found || change.takes != atRestart {
			continue
		}
		delete(profiles, name)
		if before, was := r.running.Kafka.Profiles[name]; was {
			profiles[name] = before
		}
	}
	r.config.Kafka.Profiles = profiles
}
