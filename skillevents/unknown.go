package skillevents

// Unknown is a request whose type this package has no struct for: a type newer
// than this version, one whose body Amazon documents nowhere
// (AlexaAudioPlayQueueEvent.*, in-skill product subscriptions), or an ordinary
// request of a conversation such as a LaunchRequest. [Envelope.Raw] has all of
// it.
type Unknown struct {
	Envelope `json:"-"`
}
