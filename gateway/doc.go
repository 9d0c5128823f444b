// Package gateway is what a smart home skill tells Alexa: that a lamp was
// switched on by hand, that an endpoint is gone, that somebody rang, and the
// answers to directives.
//
// # Events
//
// An [Event] is a pointer to one of the event types:
//
//   - [ChangeReport]: properties of an endpoint changed.
//   - [AddOrUpdateReport] and [DeleteReport]: endpoints are there or gone.
//   - [DoorbellPress] and [SimpleEvent]: something happened that is no state.
//   - [Response], [StateReport], [ErrorResponse] and [DeferredResponse]: answers
//     to any directive.
//   - [ActivationStarted], [DeactivationStarted], [ArmResponse],
//     [AnswerGeneratedForSession], [SessionConnected], [SessionDisconnected] and
//     [WakeUp]: what directives of one interface are answered with.
//   - [RawEvent]: everything else.
//
// Amazon's gateway says no more of a bad event than that it is malformed. So
// events are checked first, and an [*InvalidError] names the field and the rule. The
// rules are those of Amazon's message schema of 2021, with the limits of newer
// pages. The checks stay open where Amazon adds to things: words such as causes and
// states are never checked against a list.
//
// # Properties
//
// A [Property] is a value and the time at which it was sampled. Functions such as
// [PowerState] or [TargetSetpoint] know the form of the value. There is one for each
// property of the message schema, except for those of the interfaces that Amazon
// has withdrawn, Alexa.EventDetectionSensor and Alexa.Networking.AccessController.
// Properties that came later, such as those of Alexa.SmartVision.ObjectDetectionSensor,
// have none: write a literal. The value of a literal is checked as the function's is,
// if there is one.
//
// # Directives
//
// [ParseDirective] decodes what Alexa sends to the skill's Lambda function. The
// methods [Directive.Response], [Directive.StateReport],
// [Directive.ErrorResponse] and [Directive.DeferredResponse] make the answer with
// what it must repeat of the directive. [Answer] encodes an answer for the
// function to return; the same value can be sent instead, within the eight
// seconds that Alexa waits, or later, after a DeferredResponse was returned.
//
// A directive holds the skill's own access token, [Directive.AccessToken], which
// names the customer. It is not the token that events are sent with, which comes
// from Amazon.
//
// # Grants
//
// Before a skill may send events about a customer, Alexa brings it the customer's
// permission: the directive [AcceptGrant], whose code a [Granter] exchanges for
// tokens and stores. The skill's own access token in it tells which account the
// grant is of. An account may have several, since several people may link it, in
// several regions.
//
// # Sending
//
// A [Sender] sends an event to all who linked an account, each in their region.
// The errors to decide by begin with [ErrEnded]; what each failure of Amazon's
// leads to is listed in docs/faults.md of this module. A Sender gives up after a
// few seconds: what must survive a longer outage has to be kept elsewhere and
// sent again.
package gateway
