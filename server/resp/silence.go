package resp

// silence is which replies a client does not want to hear (CLIENT REPLY).
type silence int

const (
	heard    silence = iota
	skipNext         // after SKIP: the next command's reply is not sent
	skipping         // this is that command
	off              // none is sent
)

// mute tells whether what is to be sent is not to be sent.
func (q silence) mute() bool { return q == skipping || q == off }

// clientReply answers CLIENT REPLY ON|OFF|SKIP. ON is heard in any case; the others are not.
func clientReply(s *session, args [][]byte) error {
	switch {
	case is(args[2], "on"):
		if s.profile.silence.mute() {
			s.out.Reset()
		}
		s.profile.silence = heard
		s.out.OK()
		return nil
	case is(args[2], "off"):
		return s.hush(off)
	case is(args[2], "skip"):
		return s.hush(skipNext)
	}
	return errSyntax
}

// hush sends what is due to be heard before the silence begins.
func (s *session) hush(q silence) error {
	if s.profile.silence == off {
		return nil
	}
	if err := s.flush(); err != nil {
		return endError{err}
	}
	s.profile.silence = q
	return nil
}

// runUnheard runs the command whose reply the client skips.
func (s *session) runUnheard(args [][]byte) error {
	if err := s.settle(true); err != nil {
		return err
	}
	if err := s.flush(); err != nil {
		return err
	}
	s.profile.silence = skipping
	err := s.run(args)
	if err == nil {
		err = s.settle(true)
	}
	if s.profile.silence == skipping {
		s.profile.silence = heard
		s.out.Reset()
	}
	return err
}
