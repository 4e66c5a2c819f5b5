// Package ledger decides which member gets which record of a subscription.
//
// A Ledger tells of one partition what was fetched, who holds it, what is settled, what may be committed. A
// Dispatch shares partitions out among members. Both are pure: no clock, no lock, no Kafka. The caller holds one lock
// for a Dispatch, its partitions and its members.
package ledger
