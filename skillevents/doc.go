// Package skillevents receives Alexa skill events (AlexaSkillEvent and others), which
// Alexa sends to a skill outside of a conversation: a customer enabled or disabled
// the skill, linked an account, changed a permission, and so on.
//
// [Parse] turns the bytes of one event into a typed value. [Handler] receives
// events over HTTP, [Lambda] in an AWS Lambda function.
//
// # How events arrive
//
// The events section of a skill's manifest names the events that the skill wants,
// and the endpoint for them. The ASK CLI and the Skill Management API set it; the
// developer console cannot. [Manifest] makes the section, and [Lint] finds the
// errors in one. A few types, such as [MessageReceived], arrive without a
// subscription.
//
// Alexa delivers an event until it is acknowledged, for up to one hour; for
// messages see [MessageReceived]. Nothing can fetch the event again after that,
// or after it was acknowledged. So:
//
//   - Acknowledge after the durable write. Handler and Lambda acknowledge an
//     event when Receive returns nil. If Receive returns an error, Alexa
//     redelivers the event.
//   - Expect duplicates: an acknowledgement can be lost. A redelivered event has
//     the times of the first delivery and, as far as is known, its request ID.
//   - Expect events out of order. [Envelope.Time] is when something happened,
//     usually in whole seconds, so two events can have the same time.
//   - Acknowledge unknown events. An event of a new type is an [*Unknown]. If it
//     is refused, Alexa redelivers it for an hour.
//
// # Who sent it
//
// Parse checks no signature. Over HTTP the signature of the request proves who
// sent it: package signature verifies it, and Handler refuses a request that no
// verifier has checked. A Lambda invocation has no signature. Set the skill's ID
// as the EventSourceToken of the function's Alexa trigger, so that only Alexa may
// invoke the function, and only for that skill. [Lambda.Skills] is the second
// check.
//
// # What not to log
//
// Events print, log and marshal as their type, request ID, time and skill ID,
// without tokens and personal data. Keep out of logs:
//
//   - [Envelope.Raw] and [Envelope.Body]: they hold tokens.
//   - The fields of an event, printed one by one: user IDs are personal data.
//   - A struct with an event in an unexported field: fmt cannot call the event's
//     methods there.
package skillevents
