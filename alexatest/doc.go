// Package alexatest is Amazon in memory, for the tests of a skill's backend: it
// signs requests as Alexa and SNS sign them, with a certificate authority of its
// own, and answers under Amazon's real host names, so that the code under test
// keeps its real checks and its real URLs.
//
// A [Cloud] is an [net/http.RoundTripper]; [Cloud.Client] gives it to the code
// under test. It opens no sockets and starts no goroutines, unless to deliver
// messages of SNS to another process, does not import testing, and works inside
// testing/synctest bubbles.
package alexatest
