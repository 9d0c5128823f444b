// Package envelope finds the members of an Alexa request that the other packages
// use, in one scan of its bytes. The verifier of signatures and the decoder of
// events share the scan, so they never read the same bytes in two ways.
package envelope

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Field names a member of the request by its path.
type Field uint8

// Each field is the member at the path in its comment.
const (
	none Field = iota
	root       // the request itself

	Version   // version
	Directive // directive, in a smart home directive instead of request

	session   // session
	SessionID // session.sessionId

	requestContext // context
	system         // context.System
	application    // context.System.application
	ApplicationID  // context.System.application.applicationId
	user           // context.System.user
	UserID         // context.System.user.userId
	AccessToken    // context.System.user.accessToken
	permissions    // context.System.user.permissions
	ConsentToken   // context.System.user.permissions.consentToken
	person         // context.System.person
	PersonID       // context.System.person.personId
	device         // context.System.device
	DeviceID       // context.System.device.deviceId
	unit           // context.System.unit
	UnitID         // context.System.unit.unitId
	APIEndpoint    // context.System.apiEndpoint
	APIAccessToken // context.System.apiAccessToken

	Request             // request, the whole object
	Type                // request.type
	RequestID           // request.requestId
	Timestamp           // request.timestamp
	EventCreationTime   // request.eventCreationTime
	EventPublishingTime // request.eventPublishingTime
	Locale              // request.locale
	Body                // request.body

	fields
)

// decisive are the fields that identify an event, its user and its skill, and its
// age, with the objects that contain them.
const decisive uint64 = 1<<session | 1<<SessionID |
	1<<requestContext | 1<<system | 1<<application | 1<<ApplicationID | 1<<user | 1<<UserID |
	1<<Request | 1<<Type | 1<<Timestamp | 1<<EventCreationTime

// inside has the only field of each object that is not decisive.
var inside = [fields]Field{permissions: ConsentToken, person: PersonID, device: DeviceID, unit: UnitID}

// Envelope has the members that a scan found, each as it is in the scanned bytes.
// An absent or null member is nil.
type Envelope [fields]Raw

// HasSession reports whether the request belongs to a session. Alexa has sent
// events with an empty session object.
func (e *Envelope) HasSession() bool { return e[SessionID] != nil }

// SentAt returns when Alexa first sent the request, the zero time if that is
// missing: its timestamp or, without a session, its publishing time or creation
// time.
func (e *Envelope) SentAt() (time.Time, error) {
	if e[Timestamp] != nil || e.HasSession() {
		return e[Timestamp].Time()
	}
	if at, err := e[EventPublishingTime].Time(); err == nil && !at.IsZero() {
		return at, nil
	}
	return e[EventCreationTime].Time()
}

// member returns the field of an object's member, [none] if that is not read. The
// object is a field itself, or [root].
func (f Field) member(key []byte) Field {
	switch f {
	case root:
		switch string(key) {
		case "version":
			return Version
		case "session":
			return session
		case "context":
			return requestContext
		case "request":
			return Request
		case "directive":
			return Directive
		}
	case session:
		if string(key) == "sessionId" {
			return SessionID
		}
	case requestContext:
		if string(key) == "System" {
			return system
		}
	case system:
		switch string(key) {
		case "application":
			return application
		case "user":
			return user
		case "person":
			return person
		case "device":
			return device
		case "unit":
			return unit
		case "apiEndpoint":
			return APIEndpoint
		case "apiAccessToken":
			return APIAccessToken
		}
	case application:
		if string(key) == "applicationId" {
			return ApplicationID
		}
	case user:
		switch string(key) {
		case "userId":
			return UserID
		case "accessToken":
			return AccessToken
		case "permissions":
			return permissions
		}
	case permissions:
		if string(key) == "consentToken" {
			return ConsentToken
		}
	case person:
		if string(key) == "personId" {
			return PersonID
		}
	case device:
		if string(key) == "deviceId" {
			return DeviceID
		}
	case unit:
		if string(key) == "unitId" {
			return UnitID
		}
	case Request:
		switch string(key) {
		case "type":
			return Type
		case "requestId":
			return RequestID
		case "timestamp":
			return Timestamp
		case "eventCreationTime":
			return EventCreationTime
		case "eventPublishingTime":
			return EventPublishingTime
		case "locale":
			return Locale
		case "body":
			return Body
		}
	}
	return none
}

// hasMembers reports whether the field is an object whose members are fields.
func (f Field) hasMembers() bool { return objects>>f&1 != 0 }

// objects are the fields whose members are fields.
const objects uint64 = 1<<session | 1<<requestContext | 1<<system | 1<<application | 1<<user |
	1<<permissions | 1<<person | 1<<device | 1<<unit | 1<<Request

// immediate lists the requests that Alexa sends once, while a customer or a device
// waits: types, and families of types, which end in a dot.
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

// IsImmediate reports whether Alexa never redelivers requests of the type. Other
// requests without a session may be events, which Alexa redelivers for up to an
// hour with their first timestamp.
func IsImmediate(requestType string) bool {
	for _, family := range immediate {
		if requestType == family || strings.HasSuffix(family, ".") && strings.HasPrefix(requestType, family) {
			return true
		}
	}
	return false
}

// CheckSkill returns nil if the field lists the ID. Its error shows the ID only if
// that has the form of a skill ID, since anyone can send any text.
func CheckSkill(id string, listed []string, field string) error {
	switch {
	case id == "":
		return errors.New("it has no skill ID")
	case slices.Contains(listed, id):
		return nil
	case !isSkillID(id):
		return errors.New("it has an invalid skill ID")
	}
	return fmt.Errorf("%s is not in %s, which lists %d", id, field, len(listed))
}

func isSkillID(id string) bool {
	rest, ok := strings.CutPrefix(id, "amzn1.")
	return ok && len(id) <= 100 && strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz0123456789.-") == ""
}
