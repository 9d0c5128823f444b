package skillevents

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/alexaevents/alexaevents/internal/envelope"
)

// Parse decodes one event, or any other request that Alexa sends a skill. The
// result is a pointer to one of the event types of this package, [*Unknown] for
// all other request types. It keeps a copy of data, not data itself.
//
// What Amazon leaves out or adds is not an error. A member that is absent or that
// has another JSON type than expected leaves its field zero, and so does a member
// of the [Envelope] that occurs twice; the bytes are in [Envelope.Raw]. Inside
// request.body the last of several members with one name counts. Only what decides which event this is, of which
// user and when, must be right. Every error wraps [ErrMalformed] and means that
// data is not one JSON object in valid UTF-8 of at most 64 levels, that
// request.type is missing, as in a smart home directive, or that one of
//
//   - request.type, context.System.application.applicationId and
//     context.System.user.userId is neither null nor a text;
//   - request.timestamp and request.eventCreationTime is neither null nor a time;
//   - these, session, and the objects that they are in, occurs twice.
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
	switch {
	case requestType == "" && found[envelope.Directive] != nil:
		return nil, errDirective
	case requestType == "":
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
	var err error
	if e.SkillID, err = found[envelope.ApplicationID].Text(); err != nil {
		return fmt.Errorf("context.System.application.applicationId: %w", err)
	}
	if e.UserID, err = found[envelope.UserID].Text(); err != nil {
		return fmt.Errorf("context.System.user.userId: %w", err)
	}
	if e.Timestamp, err = found[envelope.Timestamp].Time(); err != nil {
		return fmt.Errorf("request.timestamp: %w", err)
	}
	if e.EventCreationTime, err = found[envelope.EventCreationTime].Time(); err != nil {
		return fmt.Errorf("request.eventCreationTime: %w", err)
	}
	e.EventPublishingTime, _ = found[envelope.EventPublishingTime].Time()
	for _, text := range [...]struct {
		to    *string
		field envelope.Field
	}{
		{&e.Version, envelope.Version},
		{&e.RequestID, envelope.RequestID},
		{&e.Locale, envelope.Locale},
		{&e.PersonID, envelope.PersonID},
		{&e.DeviceID, envelope.DeviceID},
		{&e.UnitID, envelope.UnitID},
		{(*string)(&e.AccessToken), envelope.AccessToken},
		{(*string)(&e.ConsentToken), envelope.ConsentToken},
		{&e.APIEndpoint, envelope.APIEndpoint},
		{(*string)(&e.APIAccessToken), envelope.APIAccessToken},
	} {
		*text.to = found[text.field].TextIfAny()
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
