package gateway

import "github.com/alexaevents/alexaevents"

// AnswerGeneratedForSession is the response to InitiateSessionWithOffer of
// Alexa.RTCSessionController: it carries the answer to the offer of a camera session.
type AnswerGeneratedForSession struct {
	EndpointID       string
	CorrelationToken alexaevents.Secret // the directive's
	SDP              string             // the answer in the Session Description Protocol; required
}

func (e *AnswerGeneratedForSession) message() (*message, error) {
	w := rtcSession("AnswerGeneratedForSession", e.EndpointID, e.CorrelationToken)
	w.raw(`,"payload":{"answer":{"format":"SDP","value":`)
	w.text("SDP", e.SDP)
	w.raw(`}}`)
	return w.finish(nil)
}

// SessionConnected is the response to SessionConnected of
// Alexa.RTCSessionController: a camera session is connected.
type SessionConnected struct {
	EndpointID       string
	CorrelationToken alexaevents.Secret // the directive's
	SessionID        string             // required
}

func (e *SessionConnected) message() (*message, error) {
	return e.session("SessionConnected")
}

func (e *SessionConnected) session(name string) (*message, error) {
	w := rtcSession(name, e.EndpointID, e.CorrelationToken)
	w.raw(`,"payload":{"sessionId":`)
	w.text("SessionID", e.SessionID)
	w.raw(`}`)
	return w.finish(nil)
}

// SessionDisconnected is the response to SessionDisconnected of
// Alexa.RTCSessionController: a camera session has ended.
type SessionDisconnected struct {
	EndpointID       string
	CorrelationToken alexaevents.Secret // the directive's
	SessionID        string             // required
}

func (e *SessionDisconnected) message() (*message, error) {
	return (*SessionConnected)(e).session("SessionDisconnected")
}

// rtcSession starts an event of Alexa.RTCSessionController. It does not require a
// correlation token: no document says that Alexa does.
func rtcSession(name, endpointID string, correlationToken alexaevents.Secret) *writer {
	w := write(name, header{namespace: "Alexa.RTCSessionController", name: name, correlationToken: correlationToken})
	w.repeatable = true
	w.endpoint(endpointID)
	return w
}
