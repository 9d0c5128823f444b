package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/flight"
	"github.com/alexaevents/alexaevents/internal/resend"
	"github.com/alexaevents/alexaevents/lwa"
)

// Alexa waits eight seconds for an answer.
const (
	grantTime    = 6 * time.Second // for all
	exchangeTime = 5 * time.Second // until the code is exchanged, so that there is time to store the grant
	failedTime   = time.Second / 2 // for Failed, after that
)

// AuthorizationGrant is what the directive [AcceptGrant] brings.
type AuthorizationGrant struct {
	// Code is to be exchanged at Login with Amazon within minutes, once.
	Code alexaevents.Secret

	// GranteeToken is the skill's own account linking token, which names the
	// customer that the code is for. It changes when it is refreshed.
	GranteeToken alexaevents.Secret
}

// AcceptGrant returns what a directive of the type [AcceptGrant] brings. For any
// other, and for one without code or token, it returns [ErrMalformedDirective].
func (d *Directive) AcceptGrant() (*AuthorizationGrant, error) {
	if d.Type() != AcceptGrant {
		return nil, fmt.Errorf("%w: not an AcceptGrant", ErrMalformedDirective)
	}
	var grant AuthorizationGrant
	wire := fields{
		"grant":   fields{"code": (*string)(&grant.Code)},
		"grantee": fields{"token": (*string)(&grant.GranteeToken)},
	}
	if err := wire.read(d.payload, wire.nodes()); err != nil {
		return nil, err
	}
	if grant.Code == "" || grant.GranteeToken == "" {
		return nil, fmt.Errorf("%w: no grant.code or no grantee.token", ErrMalformedDirective)
	}
	return &grant, nil
}

// Granter answers AcceptGrant directives: it stores the permission to send
// events about a customer. It is safe for concurrent use; its fields must not
// change once it is in use.
//
// # Backfill
//
// When "Send Alexa Events" is switched on for a skill that has customers, Alexa
// sends an AcceptGrant for each of them within a short time: the backfill. Alexa
// does not repeat a directive that failed, and such a customer gets no events
// until they disable and enable the skill. To lose none:
//
//   - Within the time that Alexa waits, a Granter retries what Login with Amazon
//     throttles or fails to answer.
//   - What still fails goes to Failed. Store it, and call [Granter.Accept] with it
//     every few seconds, until it succeeds or five minutes are over: then the code
//     is of no more use.
//   - Make the store fit for as many writes per second as directives come, and let
//     no function that Account or Link calls limit that.
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
	// two customers must differ. [Granter.Key] needs Link, except for a directive
	// that has the very token of the AcceptGrant.
	Link func(ctx context.Context, accessToken string) (linkID string, err error)

	// Region is the region of this endpoint, which Alexa calls for the customers
	// of that region. Empty refuses every grant.
	Region alexaevents.Region

	// Failed is called with each grant that is not stored although its code may
	// still work, before Alexa is answered: keep it for [Granter.Accept]. Its
	// context has half a second left. Nil is not called.
	Failed func(context.Context, AuthorizationGrant)

	// Logger receives one record at Warn for each grant that failed, and one at
	// Info for each that was removed; at Debug their account and link IDs. Nil
	// disables logging.
	Logger *slog.Logger

	// Observe is called after each directive, for metrics. Nil is not called.
	Observe func(context.Context, GrantObservation)

	flights flight.Group[acceptance] // by code and access token
}

// GrantObservation tells how an AcceptGrant directive, or a call of
// [Granter.Accept], ended.
type GrantObservation struct {
	Region   alexaevents.Region
	Key      lwa.Key // whose IDs are personal data; zero if it is not known
	Duration time.Duration
	Removed  []lwa.Key // ended grants of the account, and those that were too many
	Err      error     // nil if the grant is stored
}

// acceptance is the outcome of accepting a grant.
type acceptance struct {
	key     lwa.Key
	removed []lwa.Key
}

// AcceptGrant answers an AcceptGrant directive, as a Lambda function is called
// with it: it finds account and link, exchanges the code, and stores the grant,
// in six seconds at most. The same directive again has the same answer and uses
// no code. The ended grants of the account are removed. An account keeps 1000
// others; beyond that, the one whose last accepted event is longest ago is
// removed.
//
// Failed has half a second more. If ctx has an earlier deadline, as in a Lambda
// function, both end before it. Whatever fails is answered with
// ACCEPT_GRANT_FAILED and a nil error, since linking the account fails too where
// no answer comes; Logger and Observe tell why. Only what is no AcceptGrant
// directive has no answer: [ErrMalformedDirective].
func (g *Granter) AcceptGrant(ctx context.Context, directive json.RawMessage) (json.RawMessage, error) {
	parsed, err := ParseDirective(directive)
	if err != nil {
		return nil, err
	}
	if parsed.Type() != AcceptGrant {
		return nil, fmt.Errorf("%w: not an AcceptGrant", ErrMalformedDirective)
	}
	grant, err := parsed.AcceptGrant()
	if err != nil {
		g.tell(ctx, GrantObservation{Region: g.Region, Err: err})
		return acceptGrantFailed(parsed, "The grant could not be stored.")
	}
	accepting, cancel := g.reserve(ctx)
	defer cancel()
	err = g.Accept(accepting, *grant)
	if err == nil {
		return acceptGrantResponse(parsed)
	}
	if g.Failed != nil && !errors.Is(err, lwa.ErrInvalidGrant) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), failedTime)
		defer cancel()
		if err := flight.Catch(func() error { g.Failed(ctx, *grant); return nil }); err != nil && g.Logger != nil {
			g.Logger.ErrorContext(ctx, "Granter.Failed panicked", slog.Any("error", err))
		}
	}
	return acceptGrantFailed(parsed, "The grant could not be stored.")
}

// reserve returns a context that ends before the deadline of ctx, so that there is
// time for Failed and for the response.
func (g *Granter) reserve(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := resend.Deadline(ctx)
	if !ok {
		return ctx, func() {}
	}
	if g.Failed != nil {
		deadline = deadline.Add(-max(0, min(failedTime, time.Until(deadline)/2)))
	}
	return context.WithDeadline(ctx, deadline)
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

// Accept stores the grant that an AcceptGrant directive brought, in six seconds
// at most, for directives that an AcceptGrant of the same Granter answered with a
// failure: see Failed. Whoever calls it with the same grant meanwhile waits for
// the same outcome. Since a code works once, the work goes on when ctx ends.
//
// The errors are [ErrRelink] for a code that does not work any more, those of
// Account, Link and the store, and those that AcceptGrant reports to Observe. All
// but ErrRelink are worth another try.
func (g *Granter) Accept(ctx context.Context, grant AuthorizationGrant) error {
	start := time.Now()
	accepted, err := g.accept(ctx, grant)
	g.tell(ctx, GrantObservation{g.Region, accepted.key, time.Since(start), accepted.removed, err})
	return err
}

func (g *Granter) accept(ctx context.Context, grant AuthorizationGrant) (acceptance, error) {
	if err := ctx.Err(); err != nil {
		return acceptance{}, err
	}
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, grantTime)
	defer cancel()
	run, started := g.flights.Start(ctx, string(grant.Code)+" "+string(grant.GranteeToken), exchangeTime, func(ctx context.Context) (acceptance, error) {
		return g.store(ctx, grant)
	})
	accepted, err := run.Wait(ctx)
	switch {
	case err == nil || ctx.Err() == nil:
	case caller.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("%w: the grant was not accepted within %v", ErrTemporary, grantTime)
	default:
		err = fmt.Errorf("gateway: accepting a grant: %w", err)
	}
	if !started {
		accepted.removed = nil // the first tells of them
	}
	return accepted, err
}

func (g *Granter) store(ctx context.Context, grant AuthorizationGrant) (acceptance, error) {
	if g.Region.APIEndpoint() == "" {
		return acceptance{}, fmt.Errorf("%w: Granter.Region is none of Alexa's", ErrMisconfigured)
	}
	key, err := g.key(ctx, grant.GranteeToken)
	if err != nil {
		return acceptance{}, err
	}
	if err := g.Tokens.Accept(ctx, key, g.Region, grant.Code); err != nil {
		return acceptance{key: key}, tokenError(err)
	}
	return acceptance{key, g.tidy(ctx, key)}, nil
}

// tell reports how a directive ended.
func (g *Granter) tell(ctx context.Context, observation GrantObservation) {
	if g.Observe != nil {
		g.Observe(ctx, observation)
	}
	if g.Logger == nil {
		return
	}
	region := slog.String("alexa.region", string(g.Region))
	if observation.Err != nil {
		attrs := []slog.Attr{region, slog.Any("error", observation.Err)}
		if failure, ok := errors.AsType[*flight.PanicError](observation.Err); ok {
			attrs = append(attrs, slog.String("stack", string(failure.Stack)))
		}
		g.Logger.LogAttrs(ctx, slog.LevelWarn, "grant not accepted", attrs...)
		logKey(ctx, g.Logger, "whose grant that was", observation.Key)
	}
	for _, key := range observation.Removed {
		g.Logger.LogAttrs(ctx, slog.LevelInfo, "grant removed", region)
		logKey(ctx, g.Logger, "whose grant that was", key)
	}
}

func logKey(ctx context.Context, logger *slog.Logger, message string, key lwa.Key) {
	if key.AccountID != "" {
		logger.LogAttrs(ctx, slog.LevelDebug, message, slog.String("alexa.account.id", key.AccountID), slog.String("alexa.link.id", key.LinkID))
	}
}

// acceptGrantResponse encodes the answer that the grant is stored.
func acceptGrantResponse(d *Directive) (json.RawMessage, error) {
	return Answer(&Response{
		Namespace:        "Alexa.Authorization",
		Name:             "AcceptGrant.Response",
		PayloadVersion:   d.PayloadVersion,
		CorrelationToken: d.CorrelationToken,
	})
}

// acceptGrantFailed encodes the answer that it is not. The message must not hold
// anything secret.
func acceptGrantFailed(d *Directive, message string) (json.RawMessage, error) {
	return Answer(&ErrorResponse{
		Namespace:        "Alexa.Authorization",
		PayloadVersion:   d.PayloadVersion,
		CorrelationToken: d.CorrelationToken,
		Type:             "ACCEPT_GRANT_FAILED",
		Message:          message,
	})
}
