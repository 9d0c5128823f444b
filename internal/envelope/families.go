package envelope

import "strings"

// immediate lists the requests that Alexa makes while a customer or a device
// waits, and makes once: whole types, and families of types that end in a dot.
var immediate = [...]string{
	"LaunchRequest",
	"IntentRequest",
	"CanFulfillIntentRequest",
	"SessionEndedRequest",
	"SessionResumedRequest",
	"Alexa.Presentation.",
	"AudioPlayer.",
	"Connections.",
	"CustomInterfaceController.",
	"Dialog.",
	"Display.",
	"GameEngine.",
	"PlaybackController.",
	"System.",
	"VideoPlayer.",
}

// IsImmediate reports whether requests of the type are never delivered again.
// All other ones that have no session may be events, which Alexa redelivers for
// up to an hour with their original timestamp.
func IsImmediate(requestType string) bool {
	for _, family := range immediate {
		if requestType == family || strings.HasSuffix(family, ".") && strings.HasPrefix(requestType, family) {
			return true
		}
	}
	return false
}
