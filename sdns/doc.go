// Package sdns is for the Skill Development Notifications Service, by which
// Amazon tells developers what became of their work on a skill: its manifest or
// a model was updated, it was certified or published, somebody reviewed it.
//
// [Client] sets the notifications up, [Receive] and [Parse] read them.
//
// # Setting up
//
// A subscriber is an SNS topic together with an IAM role that lets Amazon
// publish to it; its vendor ID is that of its owner. A subscription sends the
// events of one vendor's skills to a subscriber. The steps, in order:
//
//  1. Create the topic.
//  2. Create the role in the AWS account of the topic, with [TrustPolicy] and
//     [PermissionPolicy], or both by [CloudFormation].
//  3. Subscribe an endpoint of package sns to the topic, so that it is there
//     when the first message comes.
//  4. Get an access token of Login with Amazon (LWA) with the scope
//     alexa::ask:subscriptions; package lwa has it as ScopeSubscriptions.
//  5. [Client.CreateSubscriber]. Amazon publishes an empty object to verify the
//     topic, the [*Verification] event.
//  6. [Client.CreateSubscription].
//
// Who does it, with what; the external ID of the role is always the vendor ID of
// the subscriber:
//
//   - For your own skills, everything is yours: the token, and the vendor ID of
//     subscriber and subscription. So it is for an organization and its own skills.
//   - For the skills of its developers, an organization takes all steps with its
//     own token. The subscriber has the organization's vendor ID, and there is a
//     subscription for each developer's vendor ID; [Client.Vendors] finds them.
//   - For the topic of an organization, a developer takes step 6 alone, with the
//     token and the subscriber ID that the organization gave them, and with their
//     own vendor ID.
//
// The examples of [Client] are these three.
//
// Only what is done with a token of the same LWA security profile as the
// subscriber's is notified, and nothing that is done in the developer console:
// a developer of an organization works with the ASK CLI or the Skill Management
// API and with the token that the organization obtained. [Client.Diagnose] looks
// for what is wrong where no notification comes.
//
// # Receiving
//
// Notifications come through SNS: at least once, in any order, and to the whole
// topic. Package sns proves that they come from it. Events print, log and marshal
// as a summary without personal data; [Envelope.CustomerID] and [Envelope.Raw]
// must stay out of logs.
package sdns
