// Package signature verifies Alexa request signatures: that Alexa sent an HTTP
// request, and that the request is for your skill.
//
// A [Verifier] makes every check that Amazon requires of a skill that is hosted
// as a web service: the URL in the header SignatureCertChainUrl, the certificate
// chain at that URL and the name in it, the signature in the header
// Signature-256 over the exact bytes of the body, the timestamp, and the skill
// ID. The skill ID matters as much as the signature: Alexa signs the requests to
// all skills with the same key.
//
// # How old a request may be
//
// A request may be 150 seconds old if it belongs to a session, or if Alexa sends
// its type only once: launches, intents, AudioPlayer, PlaybackController,
// Alexa.Presentation and similar types. Any other request may be an hour old,
// since it may be an event: Alexa redelivers events for an hour with their first
// timestamp. If an event has no timestamp, its publishing time or creation time
// counts. No request may be more than 150 seconds in the future.
//
// Within these limits a request can be replayed, so its effect must be
// idempotent.
//
// # AWS Lambda
//
// A Lambda function that Alexa invokes through its trigger needs no signature. A
// Lambda function behind an HTTP endpoint does.
package signature
