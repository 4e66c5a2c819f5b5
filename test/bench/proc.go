package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"time"
)

// usage is what a process uses now; cpu since it began.
type usage struct {
	RSS     int64 // bytes
	Threads int
	Files   int
	CPU     time.Duration
}

// clockTick is the unit of processor times in /proc/PID/stat, see proc(5).
const clockTick = 10 * time.Millisecond

// usageOf reads /proc.
func usageOf(pid int) (usage, error) {
	var u usage
	folder := fmt.Sprintf("/proc/%d/", pid)
	status, err := os.ReadFile(folder + "status")
	if err != nil {
		return u, err
	}
	u.RSS, u.Threads = field(status, "VmRSS:")<<10, int(field(status, "Threads:"))
	stat, err := os.ReadFile(folder + "stat")
	if err != nil {
		return u, err
	}
	u.CPU = cpuTime(stat)
	files, err := os.ReadDir(folder + "fd")
	u.Files = len(files)
	return u, err
}

// field is the number behind a name in /proc/PID/status.
func field(status []byte, name string) int64 {
	_, rest, _ := bytes.Cut(status, []byte(name))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(string(fields[0]), 10, 64) // the kernel writes numbers
	return n
}

// cpuTime adds user and system time, the 12th and 13th fields after the command's name.
func cpuTime(stat []byte) time.Duration {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	ticks := int64(0)
	for _, f := range fields[11:13] {
		n, _ := strconv.ParseInt(string(f), 10, 64) // the kernel writes numbers
		ticks += n
	}
	return time.Duration(ticks) * clockTick
}

// peak watches a process until stop is called, which returns the most it used of each.
func peak(ctx context.Context, pid int) (stop func() usage) {
	ctx, cancel := context.WithCancel(ctx)
	result := make(chan usage)
	go func() {
		var most usage
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			if u, err := usageOf(pid); err == nil {
				most.RSS, most.CPU = max(most.RSS, u.RSS), u.CPU
				most.Threads, most.Files = max(most.Threads, u.Threads), max(most.Files, u.Files)
			}
			select {
			case <-ctx.Done():
				result <- most
				return
			case <-tick.C:
			}
		}
	}()
	return func() usage {
		cancel()
		return <-result
	}
}

// spent is the processor time of a process while do runs.
func spent(pid int, do func() error) (time.Duration, error) {
	before, err := usageOf(pid)
	if err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	after, err := usageOf(pid)
	return after.CPU - before.CPU, err
}
