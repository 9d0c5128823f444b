// Package alexaevents is the root of a library for the backends of Alexa
// skills: receive, verify and account for the events that Alexa sends, send
// events to Alexa, and be tested without Amazon.
//
// The packages are independent; take the ones you need:
//
//   - [github.com/alexaevents/alexaevents/signature]: did Alexa send this
//     HTTP request, and to my skill?
//   - [github.com/alexaevents/alexaevents/skillevents]: what Alexa tells a
//     skill, as typed events, over HTTP or Lambda.
//   - [github.com/alexaevents/alexaevents/identity]: which of my accounts is
//     this Alexa user?
//   - [github.com/alexaevents/alexaevents/gateway]: what I tell Alexa: answers
//     to directives, change reports and other events.
//   - [github.com/alexaevents/alexaevents/lwa]: Login with Amazon: grants, and
//     access tokens that are refreshed in time.
//   - [github.com/alexaevents/alexaevents/sns]: did Amazon SNS send this
//     message, on a topic that I named?
//   - [github.com/alexaevents/alexaevents/sdns]: skill development
//     notifications: set-up, and typed events.
//   - [github.com/alexaevents/alexaevents/smartprops]: the same for Alexa Smart
//     Properties.
//   - [github.com/alexaevents/alexaevents/store/sqlstore]: the records of
//     identity and the grants of lwa in a SQL database.
//   - github.com/alexaevents/alexaevents/store/dynamostore, a module of its own:
//     the same in Amazon DynamoDB.
//   - [github.com/alexaevents/alexaevents/store/transfer]: existing tables of
//     customers and tokens into a store, and out again.
//   - [github.com/alexaevents/alexaevents/store/storetest]: the conformance
//     kit for stores of your own.
//   - [github.com/alexaevents/alexaevents/alexatest]: Amazon in memory, with
//     its own certificate authority, for tests.
//
// Amazon now calls a smart home skill an "add-on"; the names here keep the
// word that the wire format uses, skill.
package alexaevents
