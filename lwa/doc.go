// Package lwa is a client of Login with Amazon (LWA), Amazon's OAuth 2.0
// authorization server: it exchanges authorization codes, refreshes access tokens
// and stores refresh tokens.
//
// Account linking is not part of it: there your own authorization server gives
// tokens to Alexa. In this package Amazon gives tokens to you.
//
// Amazon's APIs take three kinds of access tokens:
//
//   - A customer's, to send events to the Alexa event gateway. Its authorization
//     code comes in an AcceptGrant directive: [Source.Exchange].
//   - A developer's, for the Skill Management API (SMAPI), skill development
//     notifications and Smart Properties. The developer consents in a browser,
//     [Client.AuthCodeURL] and [Client.ExchangeCallback], and [Source.Import]
//     stores the refresh token.
//   - The skill's own, with one scope, for proactive events and skill messaging:
//     [ClientCredentials].
//
// The first two are grants. A [Store] keeps them, and a [Source] returns their
// access tokens, which are valid for about an hour, and refreshes them. One
// Source and one Store serve customers in all regions (multi-region): a [Grant]
// has the [alexaevents.Region] of its customer, and all regions use the same token
// endpoint.
//
// A grant ends when Amazon refuses its refresh token with invalid_grant: the
// customer disabled the skill or removed the app. A wrong client secret or an
// outage does not end it. An ended grant stays in the store, marked. A Source
// returns [ErrInvalidGrant] for it without a request until [Source.Exchange] or
// [Source.Import] stores a new refresh token.
//
// Amazon may end a refresh token when it issues a new one. So a Source keeps new
// tokens in memory until the store has them. Call [Source.Flush] before the
// process ends.
//
// Access tokens, refresh tokens and codes have the type [alexaevents.Secret],
// which prints as [redacted]. The errors of this package contain none of them.
// [Sealed] encrypts them before any store gets them.
package lwa
