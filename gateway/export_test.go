package gateway

// Draft is an encoded event, for the tests of this directory.
type Draft = message

// MessageOf returns the message of an event.
func MessageOf(event Event) (*Draft, error) { return messageOf(event) }

// Encode encodes one attempt.
func (m *message) Encode(messageID, token string) ([]byte, error) { return m.encode(messageID, token) }

// Sendable returns the error with which a Sender refuses the message.
func (m *message) Sendable() error { return m.sendable() }

// Correlated, Repeatable and SendOnly are the properties of the message.
func (m *message) Correlated() bool { return m.correlated }
func (m *message) Repeatable() bool { return m.repeatable }
func (m *message) SendOnly() bool   { return m.sendOnly }

// The responses to AcceptGrant.
var (
	AcceptGrantResponse = acceptGrantResponse
	AcceptGrantFailed   = acceptGrantFailed
)
