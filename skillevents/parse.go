package skillevents

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/alexaevents/alexaevents/internal/envelope"
)

// ErrMalformed is the error of [Parse] for bytes that are not an Alexa event.
var ErrMalformed = errors.New("skillevents: malformed event")

var errNoType = errors.New("no request.type")

// Parse decodes one event, or any other request that Alexa sends a skill. The
// result is a pointer to one of the event types of this package, [*Unknown] for
// all other request types. It keeps a copy of data, not data itself.
//
// What Amazon leaves out or adds is no error: absent members leave their fields
// zero, and so do members of the event's body that have another JSON type than
// expected. The envelope is held to more, since decisions are taken by it: every
// error wraps [ErrMalformed] and means that data is not one JSON object in valid
// UTF-8, that an object of the envelope has a member twice, that request.type is
// missing, as in a smart home directive, or that a member that [Envelope] shows
// is neither null nor what it should be, a text or a time.
//
// Times are RFC 3339 texts, or numbers of seconds or milliseconds since 1970.
func Parse(data []byte) (Event, error) {
	data = bytes.Clone(data)
	found, err := envelope.Scan(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	event, err := create(&found)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	common := event.Common()
	if err := common.fill(&found); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	common.raw = data
	fillBody(event, &found)
	return event, nil
}

// create returns an empty event of the type that the request names.
func create(found *envelope.Envelope) (Event, error) {
	requestType, err := found[envelope.Type].Text()
	if err != nil {
		return nil, fmt.Errorf("request.type: %w", err)
	}
	if requestType == "" {
		return nil, errNoType
	}
	event := Event(new(Unknown))
	if create, ok := types[requestType]; ok {
		event = create()
	}
	event.Common().Type = requestType
	return event, nil
}

// fill sets the fields that are members of the envelope, except Type.
func (e *Envelope) fill(found *envelope.Envelope) error {
	for _, text := range [...]struct {
		to    *string
		field envelope.Field
		path  string
	}{
		{&e.Version, envelope.Version, "version"},
		{&e.RequestID, envelope.RequestID, "request.requestId"},
		{&e.Locale, envelope.Locale, "request.locale"},
		{&e.SkillID, envelope.ApplicationID, "context.System.application.applicationId"},
		{&e.UserID, envelope.UserID, "context.System.user.userId"},
		{&e.PersonID, envelope.PersonID, "context.System.person.personId"},
		{(*string)(&e.AccessToken), envelope.AccessToken, "context.System.user.accessToken"},
		{(*string)(&e.ConsentToken), envelope.ConsentToken, "context.System.user.permissions.consentToken"},
		{&e.APIEndpoint, envelope.APIEndpoint, "context.System.apiEndpoint"},
		{(*string)(&e.APIAccessToken), envelope.APIAccessToken, "context.System.apiAccessToken"},
	} {
		var err error
		if *text.to, err = found[text.field].Text(); err != nil {
			return fmt.Errorf("%s: %w", text.path, err)
		}
	}
	for _, instant := range [...]struct {
		to    *time.Time
		field envelope.Field
		path  string
	}{
		{&e.Timestamp, envelope.Timestamp, "request.timestamp"},
		{&e.EventCreationTime, envelope.EventCreationTime, "request.eventCreationTime"},
		{&e.EventPublishingTime, envelope.EventPublishingTime, "request.eventPublishingTime"},
	} {
		var err error
		if *instant.to, err = found[instant.field].Time(); err != nil {
			return fmt.Errorf("%s: %w", instant.path, err)
		}
	}
	e.body = json.RawMessage(found[envelope.Body])
	return nil
}

// fillBody sets the fields that are the event's own. Most are members of
// request.body; some types have them in another place.
func fillBody(event Event, found *envelope.Envelope) {
	source, target := found[envelope.Body], any(event)
	switch event := event.(type) {
	case *AuthorizationGrant:
		target = &struct{ Grant *AuthorizationGrant }{event}
	case *PackageUsagesInstalled:
		source, target = found[envelope.Request], &struct{ Payload *PackageUsagesInstalled }{event}
	case *PackageUsagesRemoved:
		source, target = found[envelope.Request], &struct{ Payload *PackageUsagesRemoved }{event}
	case *MessageReceived, *PackageUpdateRequest, *PackageInstallationError, *DataStoreError:
		source = found[envelope.Request]
	}
	if source != nil {
		// The scan has accepted the syntax. What can fail is the JSON type of a
		// member, and then Unmarshal goes on with the next one.
		_ = json.Unmarshal(source, target)
	}
	if linked, ok := event.(*SkillAccountLinked); ok && linked.AccessToken == "" {
		linked.AccessToken = linked.Envelope.AccessToken
	}
}
