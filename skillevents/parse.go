package skillevents

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/alexaevents/alexaevents/internal/envelope"
)

// Parse decodes one event, or any other request that Alexa sends a skill. It
// returns a pointer to one of the event types of this package, and [*Unknown] for
// all other request types. It keeps a copy of data.
//
// Members that Amazon leaves out or adds are no error. A field stays zero if its
// member is absent, has another JSON type than expected or, in the [Envelope],
// occurs twice; [Envelope.Raw] has the bytes. Inside request.body the last of
// several members of the same name counts.
//
// Only the members that identify the event, its user and its time must be valid.
// Every error wraps [ErrMalformed] and has one of these reasons:
//
//   - data is not one JSON object in valid UTF-8 of at most 64 levels.
//   - request.type is missing, as in a smart home directive.
//   - request.type, context.System.application.applicationId or
//     context.System.user.userId is neither a string nor null.
//   - request.timestamp or request.eventCreationTime is neither a time nor null.
//   - One of these members, session, or an object that contains one of them
//     occurs twice.
//
// A time is an RFC 3339 string, or a number of seconds or milliseconds since 1970.
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

// create returns an empty event of the request's type.
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

// fillBody sets the event's own fields. In most types they are members of
// request.body.
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
		// The scan has checked the syntax. If a member has another JSON type,
		// Unmarshal goes on with the next one.
		_ = json.Unmarshal(source, target)
	}
	if linked, ok := event.(*SkillAccountLinked); ok && linked.AccessToken == "" {
		linked.AccessToken = linked.Envelope.AccessToken
	}
}
