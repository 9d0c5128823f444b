package gateway

import "github.com/alexaevents/alexaevents"

// AnswerGeneratedForSession answers the offer of a camera session, the directive
// InitiateSessionWithOffer of Alexa.RTCSessionController.
type AnswerGeneratedForSession struct {
	EndpointID       string
	CorrelationToken alexaevents.Secret // the directive's
	SDP              string             // the answer, as the Session Description Protocol has it
}

func (e *AnswerGeneratedForSession) message() (*message, error) {
	w := rtcSession("AnswerGeneratedForSession", e.EndpointID, e.CorrelationToken)
	w.raw(`,"payload":{"answer":{"format":"SDP","value":`)
	w.text("SDP", e.SDP)
	w.raw(`}}`)
	return w.finish(nil, nil)
}

// SessionConnected says that a camera session is connected, in answer to the
// directive SessionConnected of Alexa.RTCSessionController.
type SessionConnected struct {
	EndpointID       string
	CorrelationToken alexaevents.Secret // the directive's
	SessionID        string
}

func (e *SessionConnected) message() (*message, error) {
	return e.session("SessionConnected")
}

func (e *SessionConnected) session(name string) (*message, error) {
	w := rtcSession(name, e.EndpointID, e.CorrelationToken)
	w.raw(`,"payload":{"sessionId":`)
	w.text("SessionID", e.SessionID)
	w.raw(`}`)
	return w.finish(nil, nil)
}

// SessionDisconnected says that a camera session has ended, in answer to the
// directive SessionDisconnected of Alexa.RTCSessionController.
type SessionDisconnected struct {
	EndpointID       string
	CorrelationToken alexaevents.Secret // the directive's
	SessionID        string
}

func (e *SessionDisconnected) message() (*message, error) {
	return (*SessionConnected)(e).session("SessionDisconnected")
}

// rtcSession leaves it to the caller whether there is a correlation token: no
// document says that Alexa requires one.
func rtcSession(name, endpointID string, correlationToken alexaevents.Secret) *writer {
	w := write(name, header{namespace: "Alexa.RTCSessionController", name: name, correlationToken: correlationToken})
	w.repeatable = true
	w.endpoint(endpointID)
	return w
}
