// Package alexatest simulates Amazon in memory, for the tests of a skill's backend.
// It signs requests as Alexa and SNS do, with a certificate authority of its own,
// and responds under Amazon's real host names: the code under test keeps its
// production checks and URLs.
//
// A backend in another process reaches the cloud over HTTP: see [Cloud.ServeHTTP] and
// [Remote].
//
// A [Cloud] implements [net/http.RoundTripper]; give [Cloud.Client] to the code under
// test. It opens no sockets and starts no goroutines, except to deliver SNS
// messages to another process. It does not import testing, and works inside
// testing/synctest bubbles.
package alexatest
