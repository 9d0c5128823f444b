// Package skillevents decodes what Alexa tells a skill outside of any
// conversation: that a customer enabled or disabled it, linked an account,
// changed a permission, and so on.
//
// [Parse] turns the bytes of one event into a typed value. [Handler] does so
// for events that arrive over HTTP, [Lambda] for those that arrive as an
// invocation of an AWS Lambda function.
//
// # How events arrive
//
// A skill names the events it wants, and the endpoint for them, in the events
// section of its manifest; subscriptions are set with the ASK CLI or the Skill
// Management API, not in the developer console. [Manifest] makes the section,
// [Lint] tells what is wrong with one. A few types, such as [MessageReceived],
// arrive without a subscription.
//
// Alexa delivers an event until it is acknowledged, for up to one hour; for
// messages see [MessageReceived]. After that, and after an acknowledgement, it can never be fetched again. So:
//
//   - Acknowledge after the durable write, not before. Handler and Lambda
//     acknowledge when the function that received the event returns nil, and
//     make Alexa deliver again when it returns an error.
//   - Expect an event twice: an acknowledgement can be lost. A redelivered event
//     keeps its times and, as far as is known, its request id.
//   - Expect events in any order. [Envelope.Time] says when something happened,
//     in whole seconds as a rule, so two events can have the same time. An event
//     without a timestamp has another time instead, which package signature
//     accepts too.
//   - Acknowledge what you do not know. An event of a new type is an [*Unknown],
//     and refusing it only makes Alexa send it for an hour.
//
// # Who sent it
//
// Parse believes what it reads. Over HTTP the signature of the request is the
// proof, and Handler refuses a request that no verifier has checked. A Lambda
// invocation has no signature: give the function's Alexa trigger the skill's id
// as its EventSourceToken, so that only Alexa, for that skill, may invoke it;
// the list [Lambda.Skills] is the second guard.
//
// # What not to log
//
// Events print, log and marshal as a summary of type, request id, time and skill
// id, without tokens and personal data. [Envelope.Raw] and [Envelope.Body] are
// the bytes as they arrived: they hold tokens, and must stay out of logs. So
// must the fields of an event that you print one by one: user ids are personal
// data. And so must structs of your own with an event in an unexported field,
// for fmt cannot use the event's methods there.
package skillevents
