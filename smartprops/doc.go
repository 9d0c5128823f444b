// Package smartprops is for the events of Alexa Smart Properties: a unit is
// ready, an automation has run, a skill failed its guest, a device is set up.
//
// [Client] subscribes to them through the Event Messenger API, [Receive] and
// [Parse] read them. Amazon offers the API in the United States.
//
// # Setting up
//
//  1. Create an SNS topic and add [TopicPolicyStatement] to its access policy.
//  2. Subscribe an endpoint of package sns to the topic, so that it is there
//     when the first event comes.
//  3. Register the client of Login with Amazon (LWA) in the console of Alexa Smart
//     Properties, under Administration > Alexa Management API Clients, and get an
//     access token with the scope alexa::enterprise:management; package lwa has
//     it as ScopeEnterpriseManagement.
//  4. [Client.CreateConfiguration] names the topic.
//  5. [Client.CreateSubscription], for each type of event.
//
// # What is known
//
// Amazon documents the names of the events, but the payload of one alone, the
// completion of an automation. Of the others the types here have what Amazon
// says all events have; the rest is in [Envelope.Payload], and
// [Envelope.Entities] has what an event is about. They never fail for what they
// do not know.
//
// # Set-up completion
//
// For [EventSetupCompletion], Amazon says, "you must provide the user_id for the
// account used to setup devices", which lwa.Client.Profile tells with a token of
// the scope profile. In which member of the request, Amazon does not say, and its
// sample program sends a unit instead: find it out for your account and write it
// as raw [Entities].
//
// # Receiving
//
// Events come through SNS: at least once, in any order. [Envelope.ID] tells
// repetitions. Amazon delivers activations and automations within 10 seconds,
// failures of a skill within 10 minutes. Events print, log and marshal as a
// summary of type, ID and time: units are rooms, and their events tell about the
// people there.
package smartprops
