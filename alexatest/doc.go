// Package alexatest is Amazon in memory, for the tests of a skill's backend: it
// signs requests as Alexa signs them, with a certificate authority of its own,
// and serves the certificates under Amazon's real host name, so that the code
// under test keeps its real checks and its real URLs.
//
// A [Cloud] is an [net/http.RoundTripper]; [Cloud.Client] gives it to the code
// under test. It opens no sockets, starts no goroutines, does not import
// testing, and works inside testing/synctest bubbles.
package alexatest
