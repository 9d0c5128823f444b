// Package sdns sets up and receives the notifications of Amazon's Skill Development
// Notifications Service (SDNS): a manifest or interaction model was updated, a
// skill was certified or published, a customer reviewed a skill.
//
// [Client] sets up the notifications. [Receive] and [Parse] read them.
//
// # Setting up
//
// A subscriber is an SNS topic and an IAM role that lets Amazon publish to the
// topic. Its vendor ID is that of its owner. A subscription sends the events of
// one vendor's skills to a subscriber. The steps, in order:
//
//  1. Create the topic.
//  2. Create the role in the AWS account of the topic, with [TrustPolicy] and
//     [PermissionPolicy], or with [CloudFormation], which has both.
//  3. Subscribe an endpoint of package sns to the topic before the first message
//     is published.
//  4. Get an access token of Login with Amazon (LWA) with the scope
//     alexa::ask:subscriptions, lwa.ScopeSubscriptions.
//  5. Call [Client.CreateSubscriber]. Amazon publishes an empty object to verify
//     the topic: the event [*Verification].
//  6. Call [Client.CreateSubscription].
//
// The external ID of the role is always the vendor ID of the subscriber. Three
// cases differ in who takes the steps; [Client] has an example of each:
//
//   - For their own skills, a developer or an organization takes all steps with
//     their own token and vendor ID.
//   - For the skills of its developers, an organization takes all steps with its
//     own token. The subscriber has the organization's vendor ID. Each developer's
//     vendor ID gets a subscription; [Client.Vendors] lists the IDs.
//   - For an organization's topic, a developer takes step 6 alone, with their own
//     vendor ID and with the token and subscriber ID that the organization gave
//     them.
//
// Amazon notifies only of changes made with a token of the same LWA security
// profile as the subscriber's, and not of changes made in the developer console.
// A developer of an organization therefore works with the ASK CLI or the Skill
// Management API, and with the token that the organization obtained.
// [Client.Diagnose] finds reasons why notifications are missing.
//
// # Receiving
//
// SNS delivers notifications at least once and out of order. Package sns verifies
// that they come from the topic. Events print, log and marshal as a summary
// without personal data. Keep [Envelope.CustomerID] and [Envelope.Raw] out of
// logs.
package sdns
