// Package signature answers two questions about an HTTP request: did Alexa send
// it, and is it for my skill?
//
// A [Verifier] makes every check that Amazon asks of a skill that is hosted as
// a web service: the certificate's URL, its chain, its name, the signature over
// the exact bytes of the body, the time of the request, and the ID of the
// skill. The last is as necessary as the first: Alexa signs the requests to
// every skill with the same key, so a signature alone does not say that a
// request was meant for yours.
//
// Requests of a session may be 150 seconds old, and so may those of a kind that
// Alexa makes only once, at the moment when something happens: launches, intents,
// AudioPlayer, PlaybackController, Alexa.Presentation and their like. Any other
// request may be an hour old: it is an event, or may be an event of a kind that
// this package does not know yet, and Alexa redelivers events for an hour with
// their first timestamp. An event without a timestamp has its publishing time or
// creation time instead. No request may be more than 150 seconds in the future.
// Within those limits a request can be replayed, so what it causes must be
// idempotent.
//
// A Lambda function that Alexa invokes through its trigger needs no signature.
// One behind an HTTP gateway does.
package signature
