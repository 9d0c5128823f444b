// Package gateway sends events to Alexa for a smart home skill: change reports,
// doorbell presses, endpoints that are new or gone, and responses to directives.
//
// # Events
//
// An [Event] is a pointer to one of the event types:
//
//   - [ChangeReport]: properties of an endpoint changed.
//   - [AddOrUpdateReport] and [DeleteReport]: endpoints are new, changed or gone.
//   - [DoorbellPress] and [SimpleEvent]: something happened that is not a state.
//   - [Response], [StateReport], [ErrorResponse] and [DeferredResponse]: responses
//     to directives.
//   - [ActivationStarted], [DeactivationStarted], [ArmResponse],
//     [AnswerGeneratedForSession], [SessionConnected], [SessionDisconnected] and
//     [WakeUp]: responses to the directives of one interface.
//   - [RawEvent]: any other event.
//
// Amazon's gateway reports an invalid event only as malformed. So an event is
// checked before it is sent, and an [*InvalidError] names the field and the rule.
// The rules are those of Amazon's message schema of 2021, with the limits of newer
// pages. Causes, states and other values to which Amazon may add are not checked
// against a list.
//
// # Properties
//
// A [Property] is a value and the time when it was sampled. Functions such as
// [PowerState] or [TargetSetpoint] make one. There is a function for each property
// of the message schema, except for those of Alexa.EventDetectionSensor and
// Alexa.Networking.AccessController, which Amazon has withdrawn. For other
// properties, such as those of Alexa.SmartVision.ObjectDetectionSensor, write a
// literal. In a literal of a property with a function, the value is checked too.
//
// # Directives
//
// [ParseDirective] decodes what Alexa sends to the skill's Lambda function. The
// methods [Directive.Response], [Directive.StateReport],
// [Directive.ErrorResponse] and [Directive.DeferredResponse] make a response with
// the directive's endpoint ID and correlation token. [EncodeResponse] encodes it for
// the function to return. The same response can be sent instead, within the eight
// seconds that Alexa waits, or later, after a DeferredResponse.
//
// [Directive.AccessToken] is the skill's own access token, which names the
// customer. Events are sent with another token, which comes from Amazon.
//
// # Grants
//
// Before a skill may send events about a customer, Alexa sends it the customer's
// permission: the directive [AcceptGrant]. A [Granter] exchanges its code for tokens
// and stores them as a grant of the customer's account. An account may have several
// grants, since several people may link it, in several regions. For a skill that
// already has customers, see the backfill at [Granter].
//
// # Sending
//
// A [Sender] sends an event to all customers who linked an account, each in their
// region. A program decides by [ErrEnded] and the errors after it. The file
// docs/faults.md of this module lists which failure of Amazon's leads to which
// error. A Sender gives up after a few seconds. Package
// [github.com/alexaevents/alexaevents/outbox] keeps events over longer outages.
package gateway
