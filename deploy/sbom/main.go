// Command sbom lists the parts of a built sluice as CycloneDX: Go modules and C libraries. The linker recorded the Go
// modules. The C libraries are inside librdkafka's archive, where Go's tools do not find them.
//
//	go run ./deploy/sbom bin/sluice 1.2.3 2026-11-21T08:00:00Z
//
// The document has the given time, so that the same binary gives the same bytes.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: sbom BINARY VERSION TIME")
		os.Exit(64)
	}
	if err := write(os.Stdout, os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func write(to io.Writer, binary, version, when string) error {
	modules, err := goModules(binary)
	if err != nil {
		return err
	}
	libraries, err := cLibraries(binary, modules)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(to)
	enc.SetIndent("", "  ")
	return enc.Encode(document(version, when, append(modules, libraries...)))
}

// component is a part of the binary, with the fields of CycloneDX 1.6.
type component struct {
	Type        string `json:"type"`
	Ref         string `json:"bom-ref"`
	Name        string `json:"name"`
	Version     string `json:"version,omitempty"`
	Description string `json:"description,omitempty"`
	PURL        string `json:"purl,omitempty"`
	CPE         string `json:"cpe,omitempty"`
}

type bom struct {
	Format       string       `json:"bomFormat"`
	SpecVersion  string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn,omitempty"`
}

func document(version, when string, parts []component) bom {
	self := component{Type: "application", Name: "sluice", Version: version, PURL: "pkg:golang/" + ourModule + "@" + version}
	self.Ref = self.PURL
	all := dependency{Ref: self.Ref}
	for _, c := range parts {
		all.DependsOn = append(all.DependsOn, c.Ref)
	}
	return bom{
		Format: "CycloneDX", SpecVersion: "1.6", Version: 1,
		Metadata:     metadata{Timestamp: when, Component: self},
		Components:   parts,
		Dependencies: []dependency{all},
	}
}
