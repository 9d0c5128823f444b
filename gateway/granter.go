package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

// Alexa waits eight seconds for an answer.
const (
	grantTime    = 6 * time.Second // for all
	exchangeTime = 5 * time.Second // until the code is exchanged, so that there is time to store the grant
)

// Granter answers AcceptGrant directives: it stores the permission to send
// events about a customer. It is safe for concurrent use; its fields must not
// change once it is in use.
type Granter struct {
	// Tokens exchanges the code and keeps the grant; required. Its client is that
	// of the skill's Permissions page, under Alexa Skill Messaging, not the one
	// of account linking.
	Tokens *lwa.Source

	// Account returns the account that an access token of the skill's own
	// authorization server belongs to, as for identity.Recorder; required.
	Account func(ctx context.Context, accessToken string) (accountID string, err error)

	// Link names the authorization that an access token came from, so that each
	// Alexa customer of an account has one grant. The name must stay while the
	// token is refreshed, as the claim sid of many servers does, or origin_jti
	// of Cognito; the method Account of an identity.JWT with that Claim is such
	// a function. Nil is the SHA-256 of the token: then a customer who links
	// again has two grants until Amazon refuses the old one, and the tokens of
	// two customers must differ.
	Link func(ctx context.Context, accessToken string) (linkID string, err error)

	// Region is the region of this endpoint, which Alexa calls for the customers
	// of that region. Empty refuses every grant.
	Region alexaevents.Region

	// Logger hears at Warn of each grant that failed. Nil discards.
	Logger *slog.Logger

	// Observe is called after each directive, for metrics. Nil is no call.
	Observe func(context.Context, GrantObservation)

	flights singleflight.Group // by code and access token
}

// GrantObservation tells how an AcceptGrant directive ended.
type GrantObservation struct {
	Region   alexaevents.Region
	Duration time.Duration
	Err      error // nil if the grant is stored
}

// AcceptGrant answers an AcceptGrant directive, as a Lambda function is called
// with it: it finds account and link, exchanges the code, and stores the grant,
// in six seconds at most. The same directive again has the same answer and uses
// no code. An account keeps 32 grants; beyond that, the one whose last accepted
// event is longest ago is deleted.
//
// Whatever fails is answered with ACCEPT_GRANT_FAILED and a nil error, since
// linking the account fails too where no answer comes; Logger and Observe tell
// why. Only what is no AcceptGrant directive has no answer:
// [ErrMalformedDirective].
func (g *Granter) AcceptGrant(ctx context.Context, directive json.RawMessage) (json.RawMessage, error) {
	parsed, err := ParseDirective(directive)
	if err != nil {
		return nil, err
	}
	if parsed.Type() != AcceptGrant {
		return nil, fmt.Errorf("%w: not an AcceptGrant", ErrMalformedDirective)
	}
	start := time.Now()
	err = g.accept(ctx, parsed)
	if g.Observe != nil {
		g.Observe(ctx, GrantObservation{Region: g.Region, Duration: time.Since(start), Err: err})
	}
	if err == nil {
		return acceptGrantResponse(parsed)
	}
	if g.Logger != nil {
		g.Logger.WarnContext(ctx, "grant not accepted", slog.String("alexa.region", string(g.Region)), slog.Any("error", err))
	}
	return acceptGrantFailed(parsed, "The grant could not be stored.")
}

// ServeHTTP answers AcceptGrant directives that are posted, for a backend to
// which a Lambda function hands directives on. Nothing in a directive proves
// that it comes from Alexa: let nobody else reach this.
func (g *Granter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const maxDirective = 64 << 10
	directive, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDirective))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	answer, err := g.AcceptGrant(r.Context(), directive)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer)
}

// accept stores the grant that the directive brings. Whoever calls it with the
// same directive meanwhile waits for the same outcome. Since a code works once,
// the work goes on when nobody waits any more.
func (g *Granter) accept(ctx context.Context, directive *Directive) error {
	grant, err := directive.AcceptGrant()
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, grantTime)
	defer cancel()
	flight := g.flights.DoChan(string(grant.Code)+" "+string(grant.GranteeToken), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exchangeTime)
		defer cancel()
		return nil, g.store(ctx, grant)
	})
	select {
	case landed := <-flight:
		return landed.Err
	case <-ctx.Done():
		return fmt.Errorf("gateway: accepting a grant: %w", context.Cause(ctx))
	}
}

func (g *Granter) store(ctx context.Context, grant *AuthorizationGrant) error {
	if g.Region.APIEndpoint() == "" {
		return fmt.Errorf("%w: Granter.Region is none of Alexa's", ErrMisconfigured)
	}
	key, err := g.key(ctx, grant.GranteeToken)
	if err != nil {
		return err
	}
	if err := g.Tokens.Accept(ctx, key, g.Region, grant.Code); err != nil {
		return tokenError(err)
	}
	_ = g.limit(ctx, key) // the grant is stored; the account's next one makes up for it
	return nil
}
