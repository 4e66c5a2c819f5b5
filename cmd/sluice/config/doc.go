// Package config reads and validates the configuration of the program.
//
// A configuration comes from flags, above Rafka's librdkafka.json, above a YAML file, above the defaults. Every setting
// is a row of one table (settings.go). File, flags, documentation and reload are made from that table.
package config
