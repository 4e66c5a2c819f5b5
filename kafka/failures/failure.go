package failures

// Failure is what is known of a failed attempt. All of it may be empty but the Reason.
type Failure struct {
	Reason    Reason
	Class     string // of the error, as the client's language names it
	Message   string
	Backtrace string
}

// Reason says why a record failed, or is given up.
type Reason string

// The reasons.
const (
	// Rejected: a client has said that the record will never succeed.
	Rejected Reason = "rejected"
	// RetriesExhausted: the record was tried as often as the policy allows.
	RetriesExhausted Reason = "retries_exhausted"
	// LeaseExpired: a client did not settle the record in its time.
	LeaseExpired Reason = "lease_expired"
	// CrashLoop: too many clients died while they held the record.
	CrashLoop Reason = "crash_loop"
	// Expired: the record is older than the policy allows.
	Expired Reason = "expired"
)
