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
	// binding's version is that of the librdkafka it brings.
	binding = "github.com/confluentinc/confluent-kafka-go/v2"
)

// goModules are the modules and the standard library that the linker recorded in the binary.
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
	version *regexp.Regexp // finds it in the binary; nil: the binary does not tell
	mark    string         // proves that it is there where the version does not
	cpe     string         // vendor:product of the vulnerability databases
}

// The libraries that speak to the network or decompress what comes from it. The versions are those
// that the libraries themselves left in the binary.
var cLibraryTable = []cLibrary{
	{name: "openssl", version: regexp.MustCompile(`OpenSSL (\d+\.\d+\.\d+[a-z]?) +\d{1,2} [A-Z][a-z]{2} \d{4}`), cpe: "openssl:openssl"},
	{name: "zlib", version: regexp.MustCompile(`inflate (\d+\.\d+(?:\.\d+)*) Copyright`), cpe: "zlib:zlib"},
	{name: "curl", mark: "CURLOPT", cpe: "haxx:libcurl"},
	{name: "zstd", mark: "ZSTD_versionString", cpe: "facebook:zstandard"},
	{name: "lz4", mark: "LZ4_versionString", cpe: "lz4_project:lz4"},
	{name: "cjson", mark: "cJSON_Version", cpe: "davegamble:cjson"},
}

// cLibraries are librdkafka and what its archive brings along. One that cannot be found is an error:
// a list that silently lacks OpenSSL is worse than none.
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

// inC describes a library in C, with the names that scanners look vulnerabilities up by.
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
