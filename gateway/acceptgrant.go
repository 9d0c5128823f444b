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
	"github.com/alexaevents/alexaevents/internal/redact"
	"github.com/alexaevents/alexaevents/internal/rest"
	"github.com/alexaevents/alexaevents/lwa"
)

// Alexa waits eight seconds for a response.
const (
	grantTime    = 6 * time.Second // limit for the grant
	exchangeTime = 5 * time.Second // limit for the exchange of the code, which leaves time to store the grant
	failedTime   = time.Second / 2 // limit for Failed, after grantTime
)

// Granter handles AcceptGrant directives: it stores a customer's permission to send
// events as a grant. It is safe for concurrent use; its fields must not change once
// it is in use.
//
// # Backfill
//
// When "Send Alexa Events" is switched on for a skill that has customers, Alexa
// sends an AcceptGrant for each of them within a short time: the backfill. Alexa
// does not redeliver a directive that failed, and its customer gets no events until
// they disable and enable the skill. To lose no customer:
//
//   - Within the time that Alexa waits, a Granter retries if Login with Amazon
//     throttles or gives no usable response.
//   - A directive that still fails goes to Failed. Store it, and call
//     [Granter.Retry] with it every few seconds for five minutes. Then its code has
//     expired.
//   - The store, and what Account and Link call, must be as fast as the directives
//     arrive.
type Granter struct {
	// Tokens exchanges the code and stores the grant. Its client is the one under
	// Alexa Skill Messaging on the skill's Permissions page, not the client of
	// account linking. Required.
	Tokens *lwa.Source

	// Account returns the account that an access token of the skill's own
	// authorization server belongs to, as for identity.Recorder. Required.
	Account func(ctx context.Context, accessToken string) (accountID string, err error)

	// Link returns the ID of the authorization that an access token came from, so
	// that each Alexa customer of an account has one grant. The ID must stay the same
	// when the token is refreshed, as the claim sid of many servers does, or
	// origin_jti of Cognito; the method Account of an identity.JWT with that Claim is
	// such a function. [Granter.Key] needs Link, except for a directive with the
	// same token as the AcceptGrant. Nil uses the SHA-256 of the token: then a
	// customer who links again has two grants until Amazon refuses the old one, and
	// the tokens of two customers must differ.
	Link func(ctx context.Context, accessToken string) (linkID string, err error)

	// Region is the region of this endpoint. Alexa calls it for the customers of
	// that region. Empty refuses every grant.
	Region alexaevents.Region

	// Failed is called with each directive whose grant is not stored although its
	// code may still work, before AcceptGrant returns: keep [Directive.Raw] for
	// [Granter.Retry]. Its context ends after half a second. Nil disables it.
	Failed func(context.Context, *Directive)

	// Logger receives one record at Warn for each grant that is not stored, one at
	// Info for each that is removed, and their account and link IDs at Debug. An
	// [ErrMisconfigured] is logged at Error, at most once a minute, and otherwise at
	// Debug. Nil disables logging.
	Logger *slog.Logger

	// Observe is called at the end of each directive, for metrics. Nil disables
	// it.
	Observe func(context.Context, GrantObservation)

	flights rest.Group[acceptance] // by code and access token
	misuse  redact.Throttle
}

// GrantObservation describes the end of one AcceptGrant directive or call of
// [Granter.Retry].
type GrantObservation struct {
	Region   alexaevents.Region // region of the Granter
	Key      lwa.Key            // key of the grant; its IDs are personal data; zero if unknown
	Duration time.Duration      // time from the start to the end, without Failed
	Removed  []lwa.Key          // keys of the account's grants that were removed
	Err      error              // nil if the grant is stored
}

// acceptance is the outcome of storing a grant.
type acceptance struct {
	key     lwa.Key
	removed []lwa.Key
}

// AcceptGrant handles an AcceptGrant directive, as Alexa sends it to the Lambda
// function, and returns the response. It finds account and link, exchanges the code
// and stores the grant, in at most six seconds. A duplicate of the directive gets the
// same response and no second exchange. The ended grants of the account are removed.
// An account keeps 1000 others; beyond that, the one whose last accepted event is
// oldest is removed.
//
// After any failure the response is ACCEPT_GRANT_FAILED and the error nil, since
// without a response account linking itself fails; Logger and Observe receive the
// reason. Failed then has another half second. If ctx has an earlier deadline, as in a
// Lambda function, both end before it. The only error is [ErrMalformedDirective], for
// anything but an AcceptGrant directive.
func (g *Granter) AcceptGrant(ctx context.Context, directive json.RawMessage) (json.RawMessage, error) {
	parsed, err := ParseDirective(directive)
	if err != nil {
		return nil, err
	}
	if parsed.Type() != AcceptGrant {
		return nil, errNotAcceptGrant
	}
	accepting, cancel := g.reserve(ctx)
	defer cancel()
	err = g.accept(accepting, parsed)
	if err == nil {
		return acceptGrantResponse(parsed)
	}
	if g.Failed != nil && !errors.Is(err, ErrRelink) && !errors.Is(err, ErrMalformedDirective) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), failedTime)
		defer cancel()
		if err := rest.Catch(func() error { g.Failed(ctx, parsed); return nil }); err != nil && g.Logger != nil {
			g.Logger.ErrorContext(ctx, "Granter.Failed panicked", slog.Any("error", err))
		}
	}
	return acceptGrantFailed(parsed, "The grant could not be stored.")
}

// reserve returns a context that ends before the deadline of ctx, so that there is
// time for Failed and for the response.
func (g *Granter) reserve(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := rest.Deadline(ctx)
	if !ok {
		return ctx, func() {}
	}
	if g.Failed != nil {
		deadline = deadline.Add(-max(0, min(failedTime, time.Until(deadline)/2)))
	}
	return context.WithDeadline(ctx, deadline)
}

// ServeHTTP handles AcceptGrant directives over HTTP, for a Lambda function that
// forwards directives to a backend. Nothing in a directive proves that it comes from
// Alexa: let only that function reach this handler.
func (g *Granter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const maxDirective = 64 << 10
	directive, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDirective))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	response, err := g.AcceptGrant(r.Context(), directive)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(response)
}

// Retry stores the grant of a directive that Failed received, in six seconds at
// most. Concurrent calls with the same directive share one outcome. Since a code
// works once, the work goes on when ctx ends. Retry succeeds if the grant is stored
// already.
//
// The errors are [ErrRelink] for a code that does not work any more,
// [ErrMalformedDirective], those of Account, Link and the store, and those that
// AcceptGrant reports to Observe. After any but the first two, retry.
func (g *Granter) Retry(ctx context.Context, directive *Directive) error {
	return g.accept(ctx, directive)
}

// accept stores the grant of a directive and reports the outcome.
func (g *Granter) accept(ctx context.Context, directive *Directive) error {
	start := time.Now()
	var accepted acceptance
	code, token, err := directive.grant()
	if err == nil {
		accepted, err = g.share(ctx, code, token)
	}
	g.report(ctx, GrantObservation{g.Region, accepted.key, time.Since(start), accepted.removed, err})
	return err
}

// share stores a grant. Concurrent calls for the same grant share one run.
func (g *Granter) share(ctx context.Context, code, token alexaevents.Secret) (acceptance, error) {
	if err := ctx.Err(); err != nil {
		return acceptance{}, err
	}
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, grantTime)
	defer cancel()
	run, started := g.flights.Start(ctx, string(code)+" "+string(token), exchangeTime, func(ctx context.Context) (acceptance, error) {
		return g.store(ctx, code, token)
	})
	accepted, err := run.Wait(ctx)
	switch {
	case err == nil || ctx.Err() == nil:
	case caller.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("%w: the grant was not stored within %v", ErrTemporary, grantTime)
	default:
		err = fmt.Errorf("gateway: storing a grant: %w", err)
	}
	if !started {
		accepted.removed = nil // the call that started the run reports them
	}
	return accepted, err
}

func (g *Granter) store(ctx context.Context, code, token alexaevents.Secret) (acceptance, error) {
	if g.Region.APIEndpoint() == "" {
		return acceptance{}, fmt.Errorf("%w: Granter.Region is not a region of Alexa", ErrMisconfigured)
	}
	key, err := g.key(ctx, token)
	if err != nil {
		return acceptance{}, err
	}
	if err := g.Tokens.Exchange(ctx, key, g.Region, code); err != nil {
		return acceptance{key: key}, tokenError(err)
	}
	return acceptance{key, g.removeEnded(ctx, key)}, nil
}

// report calls Observe and logs.
func (g *Granter) report(ctx context.Context, observation GrantObservation) {
	if g.Observe != nil {
		g.Observe(ctx, observation)
	}
	if g.Logger == nil {
		return
	}
	region := slog.String("alexa.region", string(g.Region))
	if observation.Err != nil {
		attrs := []slog.Attr{region, slog.Any("error", observation.Err)}
		if failure, ok := errors.AsType[*rest.PanicError](observation.Err); ok {
			attrs = append(attrs, slog.String("stack", string(failure.Stack)))
		}
		level := slog.LevelWarn
		if errors.Is(observation.Err, ErrMisconfigured) {
			level = g.misuse.Level()
		}
		g.Logger.LogAttrs(ctx, level, "grant not stored", attrs...)
		logKey(ctx, g.Logger, "the grant", observation.Key)
	}
	for _, key := range observation.Removed {
		g.Logger.LogAttrs(ctx, slog.LevelInfo, "grant removed", region)
		logKey(ctx, g.Logger, "the grant", key)
	}
}

func logKey(ctx context.Context, logger *slog.Logger, message string, key lwa.Key) {
	if key.AccountID != "" {
		logger.LogAttrs(ctx, slog.LevelDebug, message, slog.String("alexa.account.id", key.AccountID), slog.String("alexa.link.id", key.LinkID))
	}
}

var errNotAcceptGrant = fmt.Errorf("%w: not an AcceptGrant", ErrMalformedDirective)

// grant returns the code of an AcceptGrant directive and the skill's own access
// token of the customer that the code is for.
func (d *Directive) grant() (code, token alexaevents.Secret, err error) {
	if d == nil || d.Type() != AcceptGrant {
		return "", "", errNotAcceptGrant
	}
	wire := fields{
		"grant":   fields{"code": (*string)(&code)},
		"grantee": fields{"token": (*string)(&token)},
	}
	if err := wire.read(d.payload, wire.nodes()); err != nil {
		return "", "", err
	}
	if code == "" || token == "" {
		return "", "", fmt.Errorf("%w: grant.code or grantee.token is missing", ErrMalformedDirective)
	}
	return code, token, nil
}

// acceptGrantResponse encodes the response that the grant is stored.
func acceptGrantResponse(d *Directive) (json.RawMessage, error) {
	return EncodeResponse(&Response{
		Namespace:        "Alexa.Authorization",
		Name:             "AcceptGrant.Response",
		PayloadVersion:   d.PayloadVersion,
		CorrelationToken: d.CorrelationToken,
	})
}

// acceptGrantFailed encodes the response that it is not. The message must not contain
// a secret.
func acceptGrantFailed(d *Directive, message string) (json.RawMessage, error) {
	return EncodeResponse(&ErrorResponse{
		Namespace:        "Alexa.Authorization",
		PayloadVersion:   d.PayloadVersion,
		CorrelationToken: d.CorrelationToken,
		Type:             "ACCEPT_GRANT_FAILED",
		Message:          message,
	})
}
