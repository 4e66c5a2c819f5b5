package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/sluice-proxy/sluice/kafka"
)

// properties reads a map of librdkafka properties. Errors have the place of the property.
func properties(to *kafka.Properties, section kafka.Section) kind {
	k := mapping(to, "librdkafka properties")
	k.node = func(f *yamlFile, name string, node ast.Node) { *to = readProperties(f, section, name, node) }
	return k
}

// mapping makes a kind of maps without its reader. An empty map is equal to a missing one.
func mapping[K comparable, V any, M ~map[K]V](to *M, accepts string) kind {
	return kind{
		accepts: accepts, show: func() string { return "{}" }, // values are shown as defaults only
		get: func() any {
			if len(*to) == 0 {
				return M(nil)
			}
			return *to
		},
		set: func(v any) { *to = v.(M) },
	}
}

// profiles reads the properties of the two producer profiles.
func profiles(to *map[string]kafka.Properties) kind {
	k := mapping(to, "delivered and buffered, each with librdkafka properties")
	k.node = func(f *yamlFile, name string, node ast.Node) {
		all := map[string]kafka.Properties{}
		f.mapping(name, node, func(profile string, at ast.MapKeyNode, value ast.Node) {
			if profile != kafka.Delivered && profile != kafka.Buffered {
				f.wrong(at, "%s: there is no profile %q: only delivered and buffered", name, profile)
				return
			}
			if props := readProperties(f, kafka.ForProducers, join(name, profile), value); len(props) > 0 {
				all[profile] = props
			}
		})
		*to = all
	}
	return k
}

func readProperties(f *yamlFile, section kafka.Section, name string, node ast.Node) kafka.Properties {
	props := kafka.Properties{}
	f.mapping(name, node, func(property string, at ast.MapKeyNode, value ast.Node) {
		f.scalar(join(name, property), value, func(given string) error {
			if reason, forced := forcedProperty(section, property, given); forced {
				f.ignored(at, join(name, property), reason)
				return nil
			}
			props[property] = given
			f.places[join(name, property)] = f.place(firstToken(at))
			return validProperty(property, given)
		})
	})
	return props
}

// forcedProperty reports whether sluice sets a property itself, and why. The properties of the Go binding (go.*) count:
// Rafka's files have some, and sluice does not have the code that they configure.
func forcedProperty(section kafka.Section, name, value string) (reason string, forced bool) {
	if strings.HasPrefix(name, "go.") {
		return "it configures the Go binding, not librdkafka", true
	}
	return kafka.Forced(section, name, value)
}

// validProperty validates one property. Its error is librdkafka's text, with the value unless that may be a secret.
func validProperty(name, value string) error {
	err := kafka.Properties{name: value}.Validate()
	if err == nil {
		return nil
	}
	reason := strings.TrimSpace(strings.TrimPrefix(err.Error(), name+": "))
	if strings.HasPrefix(reason, "No such") || strings.Contains(reason, strconv.Quote(value)) || sensitive.MatchString(name) {
		return errors.New(reason)
	}
	return fmt.Errorf("%q: %s", value, reason)
}

// sensitive matches properties whose values must not get into a log.
var sensitive = regexp.MustCompile(`password|secret|\.pem|key|jaas|token|oauthbearer\.config`)

// brokers reads the addresses of a cluster.
func brokers(to *[]string) kind { return list(to, "addresses", validBroker) }

// hosts reads the host names that a client may have in its URL.
func hosts(to *[]string) kind {
	return list(to, "host names", func(given string) error {
		if !host.MatchString(given) {
			return fmt.Errorf("%q is not a host name", given)
		}
		return nil
	})
}

var host = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9._-]{0,252}[A-Za-z0-9_])?$`)

// proxies reads networks and single addresses.
func proxies(to *[]netip.Prefix) kind {
	return listOf(to, "addresses, networks such as 10.0.0.0/8", netip.Prefix.String, func(given string) (netip.Prefix, error) {
		if alone, err := netip.ParseAddr(given); err == nil && alone.Zone() == "" {
			return netip.PrefixFrom(alone, alone.BitLen()), nil
		}
		network, err := netip.ParsePrefix(given)
		if err != nil || network != network.Masked() {
			return network, fmt.Errorf("%q is neither an IP address nor a network such as 10.0.0.0/8", given)
		}
		return network, nil
	})
}

// baseURI reads the URL under which clients reach a door, and removes slashes at its end.
func baseURI(to *string) kind {
	return scalar(to, "URL", showText, func(given string) error {
		u, err := url.Parse(given)
		if given != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.ContainsAny(given, "?#")) {
			return fmt.Errorf("%q is not a URL such as https://kafka.example/rest", given)
		}
		*to = strings.TrimRight(given, "/")
		return nil
	})
}

// list reads a list of texts, or one text with commas, as a flag has it.
func list(to *[]string, accepts string, valid func(string) error) kind {
	same := func(item string) string { return item }
	return listOf(to, accepts, same, func(given string) (string, error) { return given, valid(given) })
}

// listOf reads a list of values. read parses one value, and show writes one.
func listOf[T any](to *[]T, accepts string, show func(T) string, read func(string) (T, error)) kind {
	parse := func(given string) error {
		items, err := split(given, read)
		*to = items
		return err
	}
	showAll := func(items []T) string {
		var shown []string
		for _, item := range items {
			shown = append(shown, show(item))
		}
		return "[" + strings.Join(shown, ", ") + "]"
	}
	k := scalar(to, accepts, showAll, parse)
	k.node = func(f *yamlFile, name string, node ast.Node) {
		sequence, ok := node.(*ast.SequenceNode)
		if !ok {
			f.scalar(name, node, parse)
			return
		}
		*to = nil
		for _, item := range sequence.Values {
			f.scalar(name, item, func(given string) error {
				value, err := read(given)
				*to = append(*to, value)
				return err
			})
		}
	}
	return k
}

// split reads a text with commas.
func split[T any](given string, read func(string) (T, error)) ([]T, error) {
	var items []T
	for item := range strings.SplitSeq(given, ",") {
		value, err := read(strings.TrimSpace(item))
		if err != nil {
			return nil, err
		}
		items = append(items, value)
	}
	return items, nil
}

// broker matches librdkafka's form of an address: [PROTOCOL://]host[:port]. The default port is 9092.
var broker = regexp.MustCompile(`^([A-Za-z_]+://)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.%]+\])(:([0-9]{1,5}))?$`)

func validBroker(address string) error {
	parts := broker.FindStringSubmatch(address)
	if parts == nil {
		return fmt.Errorf("%q is not an address such as kafka1:9092", address)
	}
	if port, err := strconv.Atoi(parts[4]); err == nil && (port < 1 || port > 65535) {
		return fmt.Errorf("%q: %d is not a port", address, port)
	}
	return nil
}

// windowRecords reads how many records a window holds.
func windowRecords(to *int) kind {
	k := integer(to, 1, kafka.MostWindowRecords)
	parse := k.parse
	k.parse = func(given string) error {
		err := parse(given)
		if n, no := strconv.Atoi(given); no == nil && n > kafka.MostWindowRecords {
			return fmt.Errorf("%w: sluice keeps what is acknowledged beyond a gap in the metadata of offset commits, which holds no more", err)
		}
		return err
	}
	return k
}
