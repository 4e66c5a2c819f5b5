package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"

	"github.com/sluice-proxy/sluice/test/harness"
)

// The largest batch that gzip, which packs a thousand bytes into one at best, makes of what a topic takes by default
// (max.message.bytes, 1 048 588): so many records of a mebibyte of zeros each.
const (
	worstRecords = 900
	worstValue   = mebi
)

// worstBatch is the batch, as it lies in the log.
func worstBatch() ([]byte, error) {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	value := make([]byte, worstValue)
	for i := range worstRecords {
		if err := writeRecord(w, i, value); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	const gzipped = 1 // the codec
	return harness.RawBatch(gzipped, worstRecords, packed.Bytes()), nil
}

// writeRecord writes one record of a batch: https://kafka.apache.org/documentation/#record
func writeRecord(w io.Writer, delta int, value []byte) error {
	body := []byte{0, 0}                                            // attributes, the timestamp's difference
	body = binary.AppendVarint(body, int64(delta))                  // the offset's
	body = binary.AppendVarint(body, -1)                            // no key
	body = binary.AppendVarint(body, int64(len(value)))             // and the value
	head := binary.AppendVarint(nil, int64(len(body)+len(value)+1)) // and no headers
	for _, part := range [][]byte{head, body, value, {0}} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}
