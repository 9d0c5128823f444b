// Package envelope finds the members of an Alexa request that the other
// packages decide by, in one scan of its bytes. The verifier of signatures and
// the decoder of events both use it, so the two can never read the same bytes
// in two ways.
package envelope

// Field names a member of the request by its path.
type Field uint8

// Each field is the member at the path in its comment.
const (
	none Field = iota

	Version        // version
	ApplicationID  // context.System.application.applicationId
	UserID         // context.System.user.userId
	AccessToken    // context.System.user.accessToken
	ConsentToken   // context.System.user.permissions.consentToken
	PersonID       // context.System.person.personId
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

// Envelope holds the members that a scan found, each as it stands in the
// scanned bytes. A member that is absent or null is nil.
type Envelope [fields]Raw

// level is an object of the request whose members are looked at.
type level uint8

const (
	outside level = iota // any other object: only its syntax counts
	flat                 // the object of Members
	root
	context
	system
	application
	user
	permissions
	person
	request
)

// member says which field the member of an object is, and which level its own
// members are at.
func (l level) member(key []byte) (Field, level) {
	switch l {
	case root:
		switch string(key) {
		case "version":
			return Version, outside
		case "context":
			return none, context
		case "request":
			return Request, request
		}
	case context:
		if string(key) == "System" {
			return none, system
		}
	case system:
		switch string(key) {
		case "application":
			return none, application
		case "user":
			return none, user
		case "person":
			return none, person
		case "apiEndpoint":
			return APIEndpoint, outside
		case "apiAccessToken":
			return APIAccessToken, outside
		}
	case application:
		if string(key) == "applicationId" {
			return ApplicationID, outside
		}
	case user:
		switch string(key) {
		case "userId":
			return UserID, outside
		case "accessToken":
			return AccessToken, outside
		case "permissions":
			return none, permissions
		}
	case permissions:
		if string(key) == "consentToken" {
			return ConsentToken, outside
		}
	case person:
		if string(key) == "personId" {
			return PersonID, outside
		}
	case request:
		switch string(key) {
		case "type":
			return Type, outside
		case "requestId":
			return RequestID, outside
		case "timestamp":
			return Timestamp, outside
		case "eventCreationTime":
			return EventCreationTime, outside
		case "eventPublishingTime":
			return EventPublishingTime, outside
		case "locale":
			return Locale, outside
		case "body":
			return Body, outside
		}
	}
	return none, outside
}
