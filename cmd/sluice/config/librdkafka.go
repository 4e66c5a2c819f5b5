package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/sluice-proxy/sluice/kafka"
)

// librdkafkaFile is Rafka's configuration file. It has librdkafka properties as JSON scalars, by section.
type librdkafkaFile map[string]map[string]any

// librdkafkaSections are the allowed sections, with the setting that each is read into. Each may be missing.
var librdkafkaSections = map[string]struct {
	key     string
	clients kafka.Section
}{
	"general":  {"kafka.properties", kafka.ForAll},
	"consumer": {"kafka.consumer", kafka.ForConsumers},
	"producer": {"kafka.producer", kafka.ForProducers},
}

// loadLibrdkafka applies the file at path to the configuration. Its values replace those of the YAML file. Properties
// that sluice sets itself become warnings, and unknown properties are errors.
func (r *reading) loadLibrdkafka(path string, to *kafka.Config) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("--librdkafka: %w", err)
	}
	file, err := parseLibrdkafka(content)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	l := librdkafkaLoader{reading: r, path: path, to: to}
	l.apply(file)
	return errors.Join(l.errs...)
}

func parseLibrdkafka(content []byte) (librdkafkaFile, error) {
	var file librdkafkaFile
	d := json.NewDecoder(bytes.NewReader(content))
	d.UseNumber() // 6000000 must not become 6e+06
	if err := d.Decode(&file); err != nil {
		return file, locate(err, content)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return file, errors.New("more text after the closing brace")
	}
	for _, section := range slices.Sorted(maps.Keys(file)) {
		if _, known := librdkafkaSections[section]; !known {
			return file, fmt.Errorf("unknown section %q: there are %s", section, strings.Join(slices.Sorted(maps.Keys(librdkafkaSections)), ", "))
		}
	}
	return file, nil
}

// locate adds line and column to a JSON syntax error.
func locate(err error, content []byte) error {
	var (
		syntax *json.SyntaxError
		kind   *json.UnmarshalTypeError
	)
	if errors.As(err, &kind) {
		return fmt.Errorf("needs sections of properties, each in braces, not a bare %s", kind.Value)
	}
	if errors.Is(err, io.EOF) {
		return errors.New("is empty")
	}
	if !errors.As(err, &syntax) {
		return err
	}
	before := content[:min(int(syntax.Offset), len(content))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := len(before) - bytes.LastIndexByte(before, '\n') - 1
	return fmt.Errorf("line %d, column %d: %w", line, column, err)
}

type librdkafkaLoader struct {
	*reading

	path string
	to   *kafka.Config
	errs []error
}

func (l *librdkafkaLoader) apply(file librdkafkaFile) {
	l.brokers(file["general"])
	l.to.Properties = l.section("general", file["general"], l.to.Properties)
	l.to.Consumer = l.section("consumer", file["consumer"], l.to.Consumer)
	l.to.Producer = l.section("producer", file["producer"], l.to.Producer)
}

// brokers reads the bootstrap addresses. librdkafka has two names for them.
func (l *librdkafkaLoader) brokers(general map[string]any) {
	for _, name := range []string{"metadata.broker.list", "bootstrap.servers"} {
		given, present := general[name]
		if !present {
			continue
		}
		delete(general, name)
		list, err := split(fmt.Sprint(given), func(item string) (string, error) { return item, validBroker(item) })
		if err != nil {
			l.wrong("general", name, err)
			continue
		}
		l.to.Brokers = list
	}
}

// section returns the properties of a section above those that are there already.
func (l *librdkafkaLoader) section(section string, given map[string]any, below kafka.Properties) kafka.Properties {
	props := maps.Clone(below)
	if props == nil {
		props = kafka.Properties{}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		value, err := propertyText(given[name])
		if reason, forced := forcedProperty(librdkafkaSections[section].clients, name, value); forced {
			l.warnings = append(l.warnings, ignoredProperty(l.path, section+"."+name, reason))
			continue
		}
		if err == nil {
			err = validProperty(name, value)
		}
		if err != nil {
			l.wrong(section, name, err)
			continue
		}
		props[name] = value
		l.places[join(librdkafkaSections[section].key, name)] = fmt.Sprintf("%s: %s.%s", l.path, section, name)
	}
	return props
}

func (l *librdkafkaLoader) wrong(section, name string, err error) {
	l.errs = append(l.errs, fmt.Errorf("%s: %s.%s: %w", l.path, section, name, err))
}

// propertyText returns a JSON scalar in the form of librdkafka's own configuration files.
func propertyText(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return fmt.Sprint(v), nil
	case nil:
		return "", errors.New("null is not a value")
	}
	return "", errors.New("needs a text, a number, true or false")
}
