package envelope

import "strings"

// sessionless lists the families of requests that come without a session.
// Alexa redelivers those for up to an hour with their original timestamp.
var sessionless = [...]string{
	"AlexaSkillEvent.",
	"AlexaHouseholdListEvent.",
	"AlexaAudioPlayQueueEvent.",
	"Reminders.",
	"Messaging.",
	"Alexa.Authorization.",
	"Alexa.DataStore.",
}

// IsSessionless reports whether requests of the type come without a session.
func IsSessionless(requestType string) bool {
	for _, family := range sessionless {
		if strings.HasPrefix(requestType, family) {
			return true
		}
	}
	return false
}
