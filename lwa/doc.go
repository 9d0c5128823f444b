// Package lwa gets access tokens from Login with Amazon (LWA), keeps them fresh
// and keeps the refresh tokens safe.
//
// Amazon's APIs take three kinds of tokens:
//
//   - A customer's, to send events to the event gateway. The code for it arrives
//     in an AcceptGrant directive: [Source.Exchange].
//   - A developer's, for the Skill Management API, skill development
//     notifications and Smart Properties. The developer consents in a browser,
//     [Client.AuthCodeURL] and [Client.ExchangeCallback], and the refresh token
//     goes to [Source.Import].
//   - The skill's own, of one scope, for proactive events and skill messaging:
//     [ClientCredentials].
//
// The first two are grants: they live in a [Store], and a [Source] hands out
// their access tokens, which last about an hour. [Client] has the requests
// themselves.
//
// A grant ends when Amazon answers its refresh token with invalid_grant, that is
// when the customer disabled the skill or removed the app. Nothing else ends it:
// not a wrong client secret, not an outage. An ended grant stays in the store,
// marked, and answers [ErrInvalidGrant] without asking Amazon again until
// [Source.Exchange] or [Source.Import] bring a new refresh token.
//
// Amazon may end a refresh token when it gives a new one. So what it gives is
// kept in memory until the store has it, and [Source.Flush] waits for that before
// a process ends.
//
// Access tokens, refresh tokens and codes are of type [alexaevents.Secret],
// which prints as [redacted]; the errors of this package hold none. [Sealed]
// encrypts them on their way into any store.
package lwa
