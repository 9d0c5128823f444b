// Package smartprops subscribes to and receives the events of Alexa Smart
// Properties: a unit is ready, an automation has run, a skill failed, a device is
// set up.
//
// [Client] subscribes through the Event Messenger API, and associates devices with
// units through the Endpoint API. [Receive] and [Parse] read the events. Amazon offers
// the Event Messenger API in the United States.
//
// # Setting up
//
//  1. Create an SNS topic and add [TopicPolicyStatement] to its access policy.
//  2. Subscribe an endpoint of package sns to the topic before the first event is
//     published.
//  3. Register the client of Login with Amazon (LWA) in the console of Alexa Smart
//     Properties, under Administration > Alexa Management API Clients, and get an
//     access token with the scope alexa::enterprise:management,
//     lwa.ScopeEnterpriseManagement.
//  4. Call [Client.CreateConfiguration] with the topic.
//  5. Call [Client.CreateSubscription] for each type of event.
//
// # Undocumented payloads
//
// Amazon documents the names of the events, but only one payload: that of
// [AutomationCompletion]. The other types have the fields that Amazon says all
// events have. [Envelope.Payload] and [Envelope.Entities] return the rest.
//
// # Set-up completion
//
// For [EventSetupCompletion], Amazon says, "you must provide the user_id for the
// account used to setup devices"; lwa.Client.Profile returns it for a token with
// the scope profile. Amazon does not say which member of the request has it, and
// its sample program sends a unit instead. Find the member for your account and
// send it as raw [Entities].
//
// [SetupCompletion.EndpointIDs] and [Client.AssociateUnit] then move the device to its
// unit.
//
// # Receiving
//
// SNS delivers events at least once and out of order. Duplicates have the same
// [Envelope.ID]. Amazon delivers activations and automations within 10 seconds,
// failures of a skill within 10 minutes. Events print, log and marshal as a
// summary of type, ID and time: units are rooms, and their events reveal what
// people do there.
package smartprops
