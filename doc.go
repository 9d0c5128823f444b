// Package alexaevents is the root of a library for the backends of Alexa
// skills: receive, verify and account for the events that Alexa sends, and be
// tested without Amazon.
//
// The packages are independent; take the ones you need:
//
//   - [github.com/alexaevents/alexaevents/signature]: did Alexa send this
//     HTTP request, and to my skill?
//   - [github.com/alexaevents/alexaevents/skillevents]: what Alexa tells a
//     skill, as typed events, over HTTP or Lambda.
//   - [github.com/alexaevents/alexaevents/identity]: which of my accounts is
//     this Alexa user?
//   - [github.com/alexaevents/alexaevents/store/sqlstore]: the records of
//     identity in a SQL database.
//   - [github.com/alexaevents/alexaevents/store/storetest]: the conformance
//     kit for stores of your own.
//   - [github.com/alexaevents/alexaevents/alexatest]: Amazon in memory, with
//     its own certificate authority, for tests.
//
// Amazon now calls a smart home skill an "add-on"; the names here keep the
// word that the wire format uses, skill.
package alexaevents
