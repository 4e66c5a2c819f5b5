// Package config is the configuration of the program.
//
// It comes from flags, above Rafka's librdkafka.json, above a YAML file, above the defaults, and is validated. Every
// setting is a row of one table (settings.go). File, flags, documentation and reload are made from that table.
package config
