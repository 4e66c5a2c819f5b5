package main

import (
	"bytes"
	"debug/buildinfo"
	"fmt"
	"os"
	"regexp"
	"strings"
)

const (
	ourModule = "github.com/sluice-proxy/sluice"
	// binding is the Go binding. Its version is the version of the librdkafka inside.
	binding = "github.com/confluentinc/confluent-kafka-go/v2"
)

// goModules returns the standard library and the modules that the linker recorded in the binary.
func goModules(binary string) ([]component, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	std := strings.TrimPrefix(info.GoVersion, "go")
	modules := []component{goModule("std", std, "the Go standard library and runtime")}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		modules = append(modules, goModule(m.Path, m.Version, ""))
	}
	return modules, nil
}

func goModule(path, version, description string) component {
	purl := "pkg:golang/" + path + "@" + version
	return component{Type: "library", Ref: purl, Name: path, Version: version, Description: description, PURL: purl}
}

// cLibrary is a library inside librdkafka's archive.
type cLibrary struct {
	name    string
	version *regexp.Regexp // finds the version in the binary; nil: it is not there
	mark    string         // without a version: a text that proves that the library is there
	cpe     string         // vendor:product in vulnerability databases
}

// cLibraryTable lists the libraries that talk to the network or decompress its data. Each finds its version in the
// binary.
var cLibraryTable = []cLibrary{
	{name: "openssl", version: regexp.MustCompile(`OpenSSL (\d+\.\d+\.\d+[a-z]?) +\d{1,2} [A-Z][a-z]{2} \d{4}`), cpe: "openssl:openssl"},
	{name: "zlib", version: regexp.MustCompile(`inflate (\d+\.\d+(?:\.\d+)*) Copyright`), cpe: "zlib:zlib"},
	{name: "curl", mark: "CURLOPT", cpe: "haxx:libcurl"},
	{name: "zstd", mark: "ZSTD_versionString", cpe: "facebook:zstandard"},
	{name: "lz4", mark: "LZ4_versionString", cpe: "lz4_project:lz4"},
	{name: "cjson", mark: "cJSON_Version", cpe: "davegamble:cjson"},
}

// cLibraries returns librdkafka and the libraries of its archive. A library that is not found is an error: a list without
// OpenSSL would be worse than no list.
func cLibraries(binary string, modules []component) ([]component, error) {
	content, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	librdkafka, err := librdkafkaOf(modules)
	if err != nil {
		return nil, err
	}
	found := []component{librdkafka}
	for _, l := range cLibraryTable {
		c, err := l.find(content, librdkafka.Version)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", binary, err)
		}
		found = append(found, c)
	}
	return found, nil
}

func librdkafkaOf(modules []component) (component, error) {
	for _, m := range modules {
		if m.Name == binding {
			v := strings.TrimPrefix(m.Version, "v")
			return inC("librdkafka", v, "confluentinc:librdkafka", "linked from the archive that the Go binding ships"), nil
		}
	}
	return component{}, fmt.Errorf("%s is not among the modules", binding)
}

func (l cLibrary) find(content []byte, librdkafka string) (component, error) {
	inside := "inside the archive of librdkafka " + librdkafka
	if l.version == nil {
		if !bytes.Contains(content, []byte(l.mark)) {
			return component{}, fmt.Errorf("no %s found: has the list to change?", l.name)
		}
		return inC(l.name, "", l.cpe, inside+"; the binary does not tell the version"), nil
	}
	m := l.version.FindSubmatch(content)
	if m == nil {
		return component{}, fmt.Errorf("no version of %s found: has the list to change?", l.name)
	}
	return inC(l.name, string(m[1]), l.cpe, inside), nil
}

// inC returns a component for a C library, with the names that vulnerability scanners use.
func inC(name, version, vendorProduct, description string) component {
	purl, cpeVersion := "pkg:generic/"+name, "*"
	if version != "" {
		purl += "@" + version
		cpeVersion = version
	}
	return component{
		Type: "library", Ref: purl, Name: name, Version: version, Description: description, PURL: purl,
		CPE: "cpe:2.3:a:" + vendorProduct + ":" + cpeVersion + ":*:*:*:*:*:*:*",
	}
}
