package config

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kind says how the value of a setting is read, shown, compared and copied.
type kind struct {
	accepts string                  // the allowed values, in the words of the documentation
	parse   func(text string) error // reads a single text: a scalar of the file, or a flag
	node    nodeReader              // reads a list or a map; nil for kinds that have none
	show    func() string           // returns the value in the form of the file
	get     func() any
	set     func(any) // takes the result of get, of the same setting in another configuration
}

// scalar makes a kind of single values. show writes a value.
func scalar[T any](to *T, accepts string, show func(T) string, parse func(text string) error) kind {
	return kind{
		accepts: accepts, parse: parse, show: func() string { return show(*to) },
		get: func() any { return *to }, set: func(v any) { *to = v.(T) },
	}
}

func text(to *string, accepts string) kind {
	return scalar(to, accepts, showText, func(given string) error { *to = given; return nil })
}

func showText(text string) string {
	if text == "" {
		return `""`
	}
	return text
}

// secret reads a text that its errors never show. It refuses an empty one: that is probably a template without its
// value, and not the wish for no password.
func secret(to *Secret) kind {
	return scalar(to, "text", func(Secret) string { return "none" }, func(given string) error {
		if given == "" {
			return errors.New("is empty; leave the key out to have none")
		}
		*to = Secret{given}
		return nil
	})
}

func boolean(to *bool) kind {
	return scalar(to, "true, false", strconv.FormatBool, func(given string) error {
		switch given {
		case "true", "false":
			*to = given == "true"
			return nil
		}
		return fmt.Errorf("%q is neither true nor false", given)
	})
}

func choice[T ~string](to *T, allowed ...T) kind {
	var names []string
	for _, name := range allowed {
		names = append(names, string(name))
	}
	listed := strings.Join(names, ", ")
	return scalar(to, listed, func(value T) string { return showText(string(value)) }, func(given string) error {
		if !slices.Contains(names, given) {
			return fmt.Errorf("%q is not one of %s", given, listed)
		}
		*to = T(given)
		return nil
	})
}

func level(to *slog.Level) kind {
	var name string
	names := choice(&name, "debug", "info", "warn", "error")
	show := func(l slog.Level) string { return strings.ToLower(l.String()) }
	return scalar(to, names.accepts, show, func(given string) error {
		if err := names.parse(given); err != nil {
			return err
		}
		return to.UnmarshalText([]byte(given))
	})
}

func integer(to *int, least, most int) kind {
	return scalar(to, fmt.Sprintf("%d to %d", least, most), strconv.Itoa, func(given string) error {
		n, err := strconv.Atoi(given)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", given)
		}
		return assign(to, n, least, most, strconv.Itoa)
	})
}

// fraction reads a number from 0 to 1.
func fraction(to *float64) kind { return number(to, 0, 1) }

func number(to *float64, least, most float64) kind {
	show := func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
	return scalar(to, fmt.Sprintf("%v to %v", least, most), show, func(given string) error {
		f, err := strconv.ParseFloat(given, 64)
		if err != nil || !(f >= least && f <= most) {
			return fmt.Errorf("%q is not a number from %v to %v", given, least, most)
		}
		*to = f
		return nil
	})
}

// duration reads a duration of 1 ms to 1 h.
func duration(to *time.Duration) kind { return span(to, time.Millisecond, time.Hour) }

// span reads a duration from least to most. Days are a unit where they are allowed.
func span(to *time.Duration, least, most time.Duration) kind {
	parse, examples := time.ParseDuration, "500ms, 30s or 5m"
	if most >= day {
		parse, examples = parseDays, "500ms, 30s, 5m or 2d"
	}
	accepts := fmt.Sprintf("duration, %s to %s", least, formatDuration(most))
	return scalar(to, accepts, formatDuration, func(given string) error {
		d, err := parse(given)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as %s", given, examples)
		}
		return assign(to, d, least, most, formatDuration)
	})
}

// parseDays reads a duration that may begin with whole days: 30d, 1d12h.
func parseDays(given string) (time.Duration, error) {
	days, rest, found := strings.Cut(given, "d")
	if !found {
		return time.ParseDuration(given)
	}
	n, err := strconv.ParseUint(days, 10, 16) // more days than all settings allow, and far from an overflow
	if err != nil || rest == "" {
		return time.Duration(n) * day, err
	}
	further, err := time.ParseDuration(rest)
	return time.Duration(n)*day + further, err
}

// formatDuration omits the zeros at the end of time.Duration's whole minutes and hours.
func formatDuration(d time.Duration) string {
	if d > day && d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	text := d.String()
	if d != 0 && d%time.Minute == 0 {
		text = strings.TrimSuffix(text, "0s")
	}
	if d != 0 && d%time.Hour == 0 {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func size(to *int, least, most int) kind {
	accepts := fmt.Sprintf("size, %s to %s", formatSize(least), formatSize(most))
	return scalar(to, accepts, formatSize, func(given string) error {
		n, err := parseSize(given)
		if err != nil {
			return err
		}
		return assign(to, n, least, most, formatSize)
	})
}

// assign sets a value within its bounds.
func assign[T int | time.Duration](to *T, given, least, most T, format func(T) string) error {
	if given < least {
		return fmt.Errorf("%s is less than %s", format(given), format(least))
	}
	if given > most {
		return fmt.Errorf("%s is more than %s", format(given), format(most))
	}
	*to = given
	return nil
}

// sizeUnits are tried in this order. A longer suffix must come before a shorter one that it ends with.
var sizeUnits = []struct {
	suffix string
	bytes  int
}{
	{"GiB", 1 << 30},
	{"MiB", mebi},
	{"KiB", kibi},
	{"GB", 1_000_000_000},
	{"MB", 1_000_000},
	{"kB", 1_000},
	{"KB", 1_000},
	{"B", 1},
	{"", 1},
}

// parseSize reads a number of bytes, plain or with a unit: 1048576, 16MiB, "64 KiB".
func parseSize(given string) (int, error) {
	for _, unit := range sizeUnits {
		number, found := strings.CutSuffix(given, unit.suffix)
		if !found {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(number))
		if err != nil || n > math.MaxInt/unit.bytes || n < math.MinInt/unit.bytes {
			break
		}
		return n * unit.bytes, nil
	}
	return 0, fmt.Errorf("%q is not a size such as 65536, 64KiB or 16MiB", given)
}

// formatSize writes a size in the largest binary unit that divides it.
func formatSize(n int) string {
	for _, unit := range sizeUnits[:3] {
		if n >= unit.bytes && n%unit.bytes == 0 {
			return strconv.Itoa(n/unit.bytes) + unit.suffix
		}
	}
	if n == 1 {
		return "1 byte"
	}
	return strconv.Itoa(n) + " bytes"
}
