package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

func TestGranter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		granter := b.granter(alexaevents.Europe)
		var observed []gateway.GrantObservation
		granter.Observe = func(_ context.Context, o gateway.GrantObservation) { observed = append(observed, o) }
		directive := b.acceptGrant(alexaevents.Europe, "home/anna/1")

		requireAccepted(t, granter, directive)
		first := b.grant(t, "home", "anna")
		require.Equal(t, alexaevents.Europe, first.Region)
		require.True(t, first.Live())
		require.Zero(t, first.ConfirmedAt)

		requireAccepted(t, granter, directive)
		require.Equal(t, 1, b.cloud.Calls(loginURL), "a duplicate uses no code")
		require.Equal(t, first, b.grant(t, "home", "anna"))

		// The customer's access token was refreshed, but the link is the same.
		requireAccepted(t, granter, b.acceptGrant(alexaevents.Europe, "home/anna/2"))
		require.NotEqual(t, first.RefreshToken, b.grant(t, "home", "anna").RefreshToken)
		want := gateway.GrantObservation{Region: alexaevents.Europe, Key: keyOf("home", "anna")}
		require.Equal(t, []gateway.GrantObservation{want, want, want}, observed)
		require.Empty(t, b.log.String())
	})
}

// Every failure gets a response, and no failure before the exchange uses up
// the code.
func TestGranterFails(t *testing.T) {
	errStore := errors.New("the store is down")
	for _, test := range []struct {
		name     string
		sabotage func(*gateway.Granter, *backend)
		want     error
		codeUsed bool
	}{
		{"no account for the token", func(g *gateway.Granter, _ *backend) {
			g.Account = func(context.Context, string) (string, error) { return "", errNoSuchToken }
		}, errNoSuchToken, false},
		{"neither account nor error", func(g *gateway.Granter, _ *backend) {
			g.Account = func(context.Context, string) (string, error) { return "", nil }
		}, gateway.ErrMisconfigured, false},
		{"no link for the token", func(g *gateway.Granter, _ *backend) {
			g.Link = func(context.Context, string) (string, error) { return "", errNoSuchToken }
		}, errNoSuchToken, false},
		{"neither link nor error", func(g *gateway.Granter, _ *backend) {
			g.Link = func(context.Context, string) (string, error) { return "", nil }
		}, gateway.ErrMisconfigured, false},
		{"account blocks", func(g *gateway.Granter, _ *backend) {
			g.Account = func(ctx context.Context, _ string) (string, error) { <-ctx.Done(); return "", ctx.Err() }
		}, context.DeadlineExceeded, false},
		{"account ignores its context", func(g *gateway.Granter, _ *backend) {
			g.Account = func(context.Context, string) (string, error) { time.Sleep(7 * time.Second); return "home", nil }
		}, gateway.ErrTemporary, false}, // the deadline is not the caller's
		{"no region", func(g *gateway.Granter, _ *backend) { g.Region = "" }, gateway.ErrMisconfigured, false},
		{"unknown region", func(g *gateway.Granter, _ *backend) { g.Region = "eu-west-1" }, gateway.ErrMisconfigured, false},
		{"no tokens", func(g *gateway.Granter, _ *backend) { g.Tokens = nil }, gateway.ErrMisconfigured, false},
		{"no client", func(g *gateway.Granter, _ *backend) { g.Tokens = new(lwa.Source) }, gateway.ErrMisconfigured, false},
		{"no account function", func(g *gateway.Granter, _ *backend) { g.Account = nil }, gateway.ErrMisconfigured, false},
		{"no store to read", func(_ *gateway.Granter, b *backend) {
			b.store.before = func(context.Context, string) error { return errStore }
		}, errStore, false},
		{"no store to write", func(_ *gateway.Granter, b *backend) {
			b.store.before = func(_ context.Context, call string) error {
				if call == "UpdateGrant" {
					return errStore
				}
				return nil
			}
		}, errStore, false}, // what the code gave is written later
		{"account panics", func(g *gateway.Granter, _ *backend) {
			g.Account = func(context.Context, string) (string, error) { panic("account") }
		}, nil, false},
		{"the text is too long for a store", func(g *gateway.Granter, _ *backend) {
			g.Link = func(context.Context, string) (string, error) { return strings.Repeat("x", 1024), nil }
		}, lwa.ErrInvalidKey, false},
		{"LWA refuses the code", func(_ *gateway.Granter, b *backend) {
			b.cloud.Fail(alexatest.Fault{Status: 400, Code: "invalid_grant"})
		}, gateway.ErrRelink, false},
		{"LWA refuses the client", func(_ *gateway.Granter, b *backend) {
			b.cloud.Fail(alexatest.Fault{Status: 401, Code: "invalid_client"})
		}, gateway.ErrMisconfigured, false},
		{"LWA does not respond", func(_ *gateway.Granter, b *backend) {
			b.cloud.Fail(alexatest.Fault{Delay: time.Hour})
		}, gateway.ErrUnavailable, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBackend()
				directive := b.acceptGrant(alexaevents.Europe, "home/anna/1")
				granter := b.granter(alexaevents.Europe)
				test.sabotage(granter, b)
				var observed gateway.GrantObservation
				granter.Observe = func(_ context.Context, o gateway.GrantObservation) { observed = o }

				start := time.Now()
				response, err := granter.AcceptGrant(t.Context(), directive)
				require.LessOrEqual(t, time.Since(start), 6*time.Second)
				require.NoError(t, err)
				require.Equal(t, "ACCEPT_GRANT_FAILED", responseName(t, response))
				require.Error(t, observed.Err)
				if test.want != nil {
					require.ErrorIs(t, observed.Err, test.want)
				}
				require.Equal(t, time.Since(start), observed.Duration)
				level := map[bool]string{false: "WARN", true: "ERROR"}[errors.Is(observed.Err, gateway.ErrMisconfigured)]
				require.Equal(t, 1, strings.Count(b.log.String(), "level="+level+" msg=\"grant not stored\""))
				require.Empty(t, b.grant(t, "home", "anna"))

				time.Sleep(time.Minute) // nothing in progress may use up the code
				synctest.Wait()
				b.store.before = nil
				b.cloud.Heal()
				require.Equal(t, map[bool]string{false: "AcceptGrant.Response", true: "ACCEPT_GRANT_FAILED"}[test.codeUsed], respond(t.Context(), t, b.granter(alexaevents.Europe), directive))
			})
		})
	}
}

// A misconfiguration concerns every directive: it is logged at Error once a minute.
func TestGranterLogsMisconfigurationOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		granter := b.granter("")
		var levels []string
		for range 3 {
			b.log.text.Reset()
			_, err := granter.AcceptGrant(t.Context(), []byte(acceptGrant))
			require.NoError(t, err)
			levels = append(levels, strings.Fields(b.log.String())[1])
			time.Sleep(30 * time.Second)
		}
		require.Equal(t, []string{"level=ERROR", "level=DEBUG", "level=ERROR"}, levels)
	})
}

func TestGranterRefusesOtherDirectives(t *testing.T) {
	b := newBackend()
	granter := b.granter(alexaevents.Europe)
	for _, data := range []string{turnOn, discover, `{}`, ``, `null`} {
		response, err := granter.AcceptGrant(t.Context(), []byte(data))
		require.ErrorIs(t, err, gateway.ErrMalformedDirective, data)
		require.Nil(t, response)
	}
	response, err := granter.AcceptGrant(t.Context(), []byte(strings.Replace(acceptGrant, "code-canary", "", 1)))
	require.NoError(t, err, "Alexa waits for a response to this one")
	require.Equal(t, "ACCEPT_GRANT_FAILED", responseName(t, response))
	require.Zero(t, b.cloud.Calls(""))
}

// A code works once, so its tokens are stored even if the caller is gone or the
// store is slow.
func TestGranterStoresAnExchangedCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.cloud.Fail(alexatest.Fault{Delay: time.Second})
		directive := b.acceptGrant(alexaevents.Europe, "home/anna/1")
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		require.Equal(t, "ACCEPT_GRANT_FAILED", respond(ctx, t, b.granter(alexaevents.Europe), directive))
		time.Sleep(time.Second)
		require.True(t, b.holds(t, "home", "anna"))
		requireAccepted(t, b.granter(alexaevents.Europe), directive)
	})
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.store.before = func(_ context.Context, call string) error {
			if call == "UpdateGrant" {
				time.Sleep(7 * time.Second)
			}
			return nil
		}
		directive := b.acceptGrant(alexaevents.Europe, "home/anna/1")
		start := time.Now()
		response, err := b.granter(alexaevents.Europe).AcceptGrant(t.Context(), directive)
		require.NoError(t, err)
		require.Equal(t, 6*time.Second, time.Since(start))
		require.Equal(t, "ACCEPT_GRANT_FAILED", responseName(t, response))
		require.NoError(t, b.tokens.Flush(t.Context()))
		require.True(t, b.holds(t, "home", "anna"))
	})
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		directive := b.acceptGrant(alexaevents.Europe, "home/anna/1")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.Equal(t, "ACCEPT_GRANT_FAILED", respond(ctx, t, b.granter(alexaevents.Europe), directive))
		require.Zero(t, b.cloud.Calls(""), "the caller was gone before the start")
	})
}

func TestGranterHandlesDuplicates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		granter := b.granter(alexaevents.Europe)
		directive := b.acceptGrant(alexaevents.Europe, "home/anna/1")
		b.cloud.Fail(alexatest.Fault{Delay: time.Second})
		var group sync.WaitGroup
		for i := range 100 {
			group.Go(func() {
				time.Sleep(time.Duration(i) * 20 * time.Millisecond) // some arrive after the response to the first
				requireAccepted(t, granter, directive)
			})
		}
		group.Wait()
		require.Equal(t, 1, b.cloud.Calls(loginURL))
	})
}

// A code that arrives for two customers works for one of them.
func TestGranterCodeForTwoCustomers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		granter := b.granter(alexaevents.Europe)
		b.cloud.Fail(alexatest.Fault{URL: loginURL, Delay: time.Second, Times: -1})
		code := b.cloud.Grant(alexaevents.Europe, "anna")
		var errs [2]error
		var group sync.WaitGroup
		for i, token := range []string{"home/anna/1", "flat/bert/1"} {
			group.Go(func() {
				errs[i] = granter.Retry(t.Context(), parse(t, string(alexatest.AcceptGrantDirective(code, token))))
			})
		}
		group.Wait()
		require.NotEqual(t, errs[0] == nil, errs[1] == nil, "%v", errs)
		require.Equal(t, errs[0] == nil, b.holds(t, "home", "anna"))
		require.Equal(t, errs[1] == nil, b.holds(t, "flat", "bert"))
	})
}

// A backfill: all customers grant at once. LWA throttles, and no customer is lost.
func TestGranterBurst(t *testing.T) {
	const customers = 10_000
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		var requests atomic.Int64
		b.tokens.Client.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if requests.Add(1)%10 == 0 {
				return &http.Response{StatusCode: http.StatusTooManyRequests, Body: http.NoBody, Request: r}, nil
			}
			return b.cloud.RoundTrip(r)
		})}
		server := b.granter(alexaevents.Europe)
		var mu sync.Mutex
		var pending []*gateway.Directive
		server.Failed = func(_ context.Context, directive *gateway.Directive) {
			mu.Lock()
			defer mu.Unlock()
			pending = append(pending, directive)
		}
		var group sync.WaitGroup
		var failed atomic.Int64
		for i := range customers {
			name := fmt.Sprint("customer-", i)
			directive := b.acceptGrant(alexaevents.Europe, fmt.Sprintf("account-%d/%s/1", i/2, name))
			group.Go(func() {
				w := httptest.NewRecorder()
				server.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(directive))))
				if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "AcceptGrant.Response") {
					failed.Add(1)
				}
			})
		}
		group.Wait()
		require.Greater(t, requests.Load(), int64(customers*11/10), "Amazon throttled")
		require.Less(t, failed.Load(), int64(10))
		require.Len(t, pending, int(failed.Load()))
		for _, directive := range pending {
			require.NoError(t, server.Retry(t.Context(), directive))
		}
		require.Equal(t, customers, b.cloud.Calls(loginURL), "each code is used once")
		for i := range customers {
			require.True(t, b.holds(t, fmt.Sprint("account-", i/2), fmt.Sprint("customer-", i)), i)
		}
		require.NoError(t, b.sender.Send(t.Context(), "account-4711", lampReport()))
		require.ElementsMatch(t, []string{"customer-9422", "customer-9423"}, b.customers())
	})
}

// While LWA is out, every directive goes to Failed. Retry stores its grant afterwards.
func TestGranterFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		granter := b.granter(alexaevents.Europe)
		var pending []*gateway.Directive
		granter.Failed = func(ctx context.Context, directive *gateway.Directive) {
			end, ok := ctx.Deadline()
			require.True(t, ok)
			require.Equal(t, time.Second/2, time.Until(end))
			pending = append(pending, directive)
		}
		b.cloud.Fail(alexatest.Fault{URL: loginURL, Times: -1, Status: 503})
		for _, name := range []string{"anna", "bert"} {
			start := time.Now()
			require.Equal(t, "ACCEPT_GRANT_FAILED", respond(t.Context(), t, granter, b.acceptGrant(alexaevents.Europe, "home/"+name+"/1")))
			require.LessOrEqual(t, time.Since(start), 6*time.Second)
		}
		require.Len(t, pending, 2)
		require.NotContains(t, fmt.Sprintf("%v %+v", pending, pending), "home/anna", "the code and the token are redacted")
		require.ErrorIs(t, granter.Retry(t.Context(), pending[0]), gateway.ErrUnavailable)
		require.Len(t, pending, 2, "Retry returns its error and does not call Failed")

		b.cloud.Heal()
		for _, directive := range pending {
			require.NoError(t, granter.Retry(t.Context(), directive))
			require.NoError(t, granter.Retry(t.Context(), directive), "again")
		}
		require.True(t, b.holds(t, "home", "anna"))
		require.True(t, b.holds(t, "home", "bert"))

		require.Equal(t, "ACCEPT_GRANT_FAILED", respond(t.Context(), t, granter, alexatest.AcceptGrantDirective("used up", "home/anna/1")))
		require.Len(t, pending, 2, "a code that does not work is not retried")

		granter.Failed = func(context.Context, *gateway.Directive) { panic("the queue") }
		granter.Account = func(context.Context, string) (string, error) { return "", errNoSuchToken }
		require.Equal(t, "ACCEPT_GRANT_FAILED", respond(t.Context(), t, granter, alexatest.AcceptGrantDirective("code", "home/anna/1")))
		require.Contains(t, b.log.String(), "Granter.Failed panicked")
	})
}

// Failed has its half second even after the caller's deadline.
func TestGranterFailedAfterTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		granter := b.granter(alexaevents.Europe)
		called := false
		granter.Failed = func(ctx context.Context, _ *gateway.Directive) {
			called = true
			require.NoError(t, ctx.Err())
		}
		b.cloud.Fail(alexatest.Fault{URL: loginURL, Delay: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.Equal(t, "ACCEPT_GRANT_FAILED", respond(ctx, t, granter, b.acceptGrant(alexaevents.Europe, "home/anna/1")))
		require.True(t, called)
		time.Sleep(time.Minute) // the exchange goes on
	})
}

// Two processes get the same directive. Both respond that the grant is stored.
func TestGranterInTwoProcesses(t *testing.T) {
	for _, delay := range []time.Duration{0, 300 * time.Millisecond, 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			first, second := newBackend(), newBackend()
			second.cloud, second.store, second.tokens.Client = first.cloud, first.store, first.tokens.Client
			second.tokens.Store = &first.store.MemoryStore
			second.tokens.Client = &lwa.Client{ID: clientID, Secret: clientSecret, HTTPClient: first.cloud.Client()}
			failures := time.Now().Add(delay)
			first.store.before = func(_ context.Context, call string) error {
				if call == "UpdateGrant" && time.Now().Before(failures) {
					return errors.New("the store is down")
				}
				return nil
			}
			directive := first.acceptGrant(alexaevents.Europe, "home/anna/1")
			var group sync.WaitGroup
			for _, b := range []*backend{first, second} {
				group.Go(func() { requireAccepted(t, b.granter(alexaevents.Europe), directive) })
				synctest.Wait()
			}
			group.Wait()
			require.True(t, first.holds(t, "home", "anna"))
		})
	}
}

func TestGranterOverHTTP(t *testing.T) {
	b := newBackend()
	granter := b.granter(alexaevents.Europe)
	for _, test := range []struct {
		name, body string
		status     int
		response   string
	}{
		{"grant", string(b.acceptGrant(alexaevents.Europe, "home/anna/1")), 200, "AcceptGrant.Response"},
		{"no such account", string(alexatest.AcceptGrantDirective("another", "nobody's")), 200, "ACCEPT_GRANT_FAILED"},
		{"another directive", turnOn, 400, ""},
		{"nothing", "", 400, ""},
		{"too much", strings.Repeat(" ", 64<<10) + acceptGrant, 400, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			granter.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(test.body)))
			require.Equal(t, test.status, w.Code)
			if test.response == "" {
				require.Empty(t, w.Body.String())
				return
			}
			require.Equal(t, "application/json", w.Header().Get("Content-Type"))
			require.Equal(t, test.response, responseName(t, w.Body.Bytes()))
		})
	}
}

// A Lambda function ends at its deadline.
func TestGranterKeepsTimeToRespond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.cloud.Fail(alexatest.Fault{URL: loginURL, Delay: time.Minute, Times: -1})
		granter := b.granter(alexaevents.Europe)
		for want, failed := range map[time.Duration]func(context.Context, *gateway.Directive){
			2900 * time.Millisecond: func(ctx context.Context, _ *gateway.Directive) { <-ctx.Done() },
			2899 * time.Millisecond: func(context.Context, *gateway.Directive) {
				time.Sleep(500*time.Millisecond - time.Millisecond)
			},
		} {
			granter.Failed = failed
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			start := time.Now()
			require.Equal(t, "ACCEPT_GRANT_FAILED", respond(ctx, t, granter, b.acceptGrant(alexaevents.Europe, "home/anna/1")))
			require.Equal(t, want, time.Since(start))
			require.NoError(t, ctx.Err())
			cancel()
		}
		granter.Failed = nil
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		_, err := granter.AcceptGrant(ctx, b.acceptGrant(alexaevents.Europe, "home/anna/1"))
		require.NoError(t, err)
		require.Equal(t, 2900*time.Millisecond, time.Since(start))
		time.Sleep(time.Minute)
	})
}

func TestRetryRefusesOtherDirectives(t *testing.T) {
	b := newBackend()
	granter := b.granter(alexaevents.Europe)
	const header = `{"directive": {"header": {"namespace": "Alexa.Authorization", "name": "AcceptGrant"}`
	for _, data := range []string{
		turnOn,
		header + `}}`,
		header + `, "payload": null}}`,
		header + `, "payload": []}}`,
		header + `, "payload": {"grant": {"code": ""}, "grantee": {"token": "canary"}}}}`,
		header + `, "payload": {"grant": {"code": "canary"}, "grantee": {}}}}`,
		header + `, "payload": {"grant": {"code": "canary"}, "grantee": "canary"}}}`,
	} {
		err := granter.Retry(t.Context(), parse(t, data))
		require.ErrorIs(t, err, gateway.ErrMalformedDirective)
		require.NotContains(t, err.Error(), "canary")
	}
	require.ErrorIs(t, granter.Retry(t.Context(), nil), gateway.ErrMalformedDirective)
	require.Zero(t, b.cloud.Calls(""))
}

func TestAcceptGrantResponses(t *testing.T) {
	for _, response := range []func(*gateway.Directive) (json.RawMessage, error){
		gateway.AcceptGrantResponse,
		func(d *gateway.Directive) (json.RawMessage, error) { return gateway.AcceptGrantFailed(d, "not stored") },
	} {
		newer := parse(t, acceptGrant)
		newer.PayloadVersion = "3.1"
		written, err := response(newer)
		require.NoError(t, err)
		require.Contains(t, string(written), `"payloadVersion":"3.1"`)
	}
	plain := parse(t, acceptGrant)
	correlated := parse(t, acceptGrant)
	correlated.CorrelationToken = "correlation=="
	for _, test := range []struct {
		directive *gateway.Directive
		more      string
	}{{plain, ""}, {correlated, correlatedJSON}} {
		response, err := gateway.AcceptGrantResponse(test.directive)
		require.NoError(t, err)
		require.JSONEq(t, `{"event": {`+headerJSON("Alexa.Authorization", "AcceptGrant.Response", test.more)+`, "payload": {}}}`, withKnownID(t, response))

		response, err = gateway.AcceptGrantFailed(test.directive, "not stored")
		require.NoError(t, err)
		require.JSONEq(t, `{"event": {`+headerJSON("Alexa.Authorization", "ErrorResponse", test.more)+`,
			"payload": {"type": "ACCEPT_GRANT_FAILED", "message": "not stored"}}}`, withKnownID(t, response))
	}
}
