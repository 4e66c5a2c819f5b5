// Package commitmeta reads and writes what sluice keeps in the metadata of an offset commit: which records above the
// committed offset are settled, and which are failing.
//
// Kafka keeps one offset per partition and group, with a text that its brokers do not read. sluice's text is "sluice1:" and
// base64 (the standard alphabet without padding) of these bytes. A number is an unsigned varint of encoding/binary.
//
//	flags    1 byte: 1 the topic's id as 16 bytes, 2 the topic's id as text, 4 a bitmap. Other bits are 0
//	at       when it was written, in milliseconds since 1970
//	id       with 1: 16 bytes; with 2: length and bytes
//	gap      from the committed offset to the first settled offset above it; 0: none is settled, and nothing of the map follows
//	bitmap   with 4: length and bytes. Bit 0 of the first byte is the first settled offset. A bit of 1 is a settled offset
//	runs     without 4: how many follow the first run. Then the length of the first run, and for each further run the
//	         offsets that are not settled before it, and its length
//	failing  how many. For each: its offset less the one before (at first: less the committed offset), failures, deaths,
//	         seconds from its first failure until at, and one more (0: not known), milliseconds from at until it is due,
//	         and one more (0: at once)
//
// Whatever is not of this form is somebody else's.
//
// Clocks of two computers differ. So the time when a record is due is kept as what was left when the text was written. A
// reader waits until that time by its own clock, and never longer than what was left: see Map.Rebase.
package commitmeta
