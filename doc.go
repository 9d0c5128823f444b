// Package alexaevents is the root of a library for the backends of Alexa skills.
// The library receives and verifies the events that Alexa sends, records which
// account each Alexa user belongs to, sends events to Alexa, and tests a backend
// without Amazon.
//
// The packages are independent; take the ones you need:
//
//   - [github.com/alexaevents/alexaevents/signature]: verifies that an HTTP
//     request comes from Alexa and is for your skill.
//   - [github.com/alexaevents/alexaevents/skillevents]: the events that Alexa
//     sends to a skill, typed, over HTTP or AWS Lambda.
//   - [github.com/alexaevents/alexaevents/identity]: maps Alexa user IDs to your
//     accounts, now and at any earlier time.
//   - [github.com/alexaevents/alexaevents/gateway]: sends change reports, response
//     events and other events to Alexa, in each customer's region.
//   - [github.com/alexaevents/alexaevents/outbox]: keeps events in your database
//     until Alexa accepts them.
//   - [github.com/alexaevents/alexaevents/lwa]: Login with Amazon: stores grants
//     and refreshes access tokens.
//   - [github.com/alexaevents/alexaevents/sns]: verifies that a message comes from
//     Amazon SNS and one of your topics.
//   - [github.com/alexaevents/alexaevents/sdns]: Skill Development Notifications:
//     set-up, and typed events.
//   - [github.com/alexaevents/alexaevents/smartprops]: the same for Alexa Smart
//     Properties.
//   - [github.com/alexaevents/alexaevents/store/sqlstore]: stores the facts of
//     identity and the grants of lwa in a SQL database.
//   - github.com/alexaevents/alexaevents/store/dynamostore, a module of its own:
//     the same in Amazon DynamoDB.
//   - [github.com/alexaevents/alexaevents/store/transfer]: imports and exports
//     tables of customers and tokens.
//   - [github.com/alexaevents/alexaevents/store/storetest]: conformance tests for
//     stores of your own.
//   - [github.com/alexaevents/alexaevents/store/storebench]: benchmarks for them.
//   - [github.com/alexaevents/alexaevents/alexatest]: simulates Amazon in memory,
//     with its own certificate authority, for tests.
//
// Amazon now calls a smart home skill an "add-on"; the names here keep the
// word of the wire format, skill.
package alexaevents
