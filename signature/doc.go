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
// Requests that carry a session may be 150 seconds old. Those without one, such
// as skill events, may be an hour old, because Alexa redelivers them that long
// with their first timestamp. None may be more than 150 seconds in the future.
// Within those limits a request can be replayed, so what it causes must be
// idempotent.
//
// A Lambda function that Alexa invokes through its trigger needs no signature.
// One behind an HTTP gateway does.
package signature
