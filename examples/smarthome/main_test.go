package main

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
)

// The program, with HTTP between Lambda function and skill.
func TestRun(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out), &out)
	for line := range strings.Lines(out.String()) {
		require.LessOrEqual(t, utf8.RuneCountInString(line), 100, line)
	}
}

// SQLite uses Go's clock, for synctest bubbles.
func init() {
	sqlite.MustRegisterScalarFunction("julianday", 1, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		return float64(time.Now().UnixMilli())/86_400_000 + 2440587.5, nil
	})
}

// begin returns the demonstration without HTTP, for a synctest bubble. Its lock takes
// longer than Alexa waits.
func begin(t *testing.T) *demonstration {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "a.db")+strings.Replace(parameters, "FULL", "OFF", 1))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	db.SetMaxIdleConns(8)
	cloud := alexatest.NewCloud()
	skill := newDemoSkill(db, cloud, 20*time.Second, slog.New(slog.DiscardHandler))
	require.NoError(t, skill.migrate(t.Context()))
	t.Cleanup(skill.start(context.WithoutCancel(t.Context())))
	return newDemonstration(io.Discard, cloud, skill)
}

func TestDemonstration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		require.NoError(t, begin(t).run(t.Context()))
	})
}

// Reports arrive within three seconds in spite of short failures of the gateway.
func TestDemonstrationWithFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]alexatest.Fault{
		"throttled":   {URL: "https://api.eu.amazonalexa.com/", Status: http.StatusTooManyRequests, Code: "THROTTLING_EXCEPTION"},
		"unavailable": {URL: "https://api.eu.amazonalexa.com/", Status: http.StatusServiceUnavailable, Times: 2},
		"reset":       {URL: "https://api.eu.amazonalexa.com/", Reset: true},
		"slow":        {URL: "https://api.eu.amazonalexa.com/", Delay: 2 * time.Second, Times: -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := begin(t)
				d.cloud.Fail(fault)
				require.NoError(t, d.run(t.Context()))
			})
		})
	}
}

// The demonstration finds each broken skill.
func TestBrokenSkills(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*demonstration)
		found  string
	}{
		"fails": {
			func(d *demonstration) {
				d.lambda = func(context.Context, json.RawMessage) (json.RawMessage, error) { return nil, errors.New("broken") }
			},
			"Ada: AcceptGrant: broken",
		},
		"stores one grant per account": {
			func(d *demonstration) {
				d.skill.grants.Link = func(context.Context, string) (string, error) { return "house", nil }
			},
			"Lamp: expected these events within 3s",
		},
		"discovers devices of other accounts": {
			func(d *demonstration) { d.skill.device("eves-lamp").account = "house" },
			`expected the response "Discover.Response lamp lock thermostat", got "Discover.Response lamp lock thermostat eves-lamp"`,
		},
		"accepts every access token": {
			func(d *demonstration) {
				d.skill.grants.Account = func(context.Context, string) (string, error) { return "house", nil }
			},
			`Mallory: ReportState lamp: expected the response "ErrorResponse INVALID_AUTHORIZATION_CREDENTIAL"`,
		},
		"reports late": {
			func(d *demonstration) {
				d.gateway(func(r *http.Request, _ string) (*http.Response, error) {
					time.Sleep(soon + time.Second)
					return d.cloud.RoundTrip(r)
				})
			},
			"Lamp: expected these events within 3s",
		},
		"does not report changes by directives": {
			func(d *demonstration) { d.drop("VOICE_INTERACTION") },
			"Lamp: expected these events within 3s",
		},
		"reports twice": {
			func(d *demonstration) {
				d.gateway(func(r *http.Request, body string) (*http.Response, error) {
					again := r.Clone(r.Context())
					again.Body = io.NopCloser(strings.NewReader(body))
					if _, err := d.cloud.RoundTrip(again); err != nil {
						return nil, err
					}
					return d.cloud.RoundTrip(r)
				})
			},
			"Lamp: expected these events within 3s",
		},
		"reports what did not change": {
			func(d *demonstration) {
				d.alter(func(response string) string {
					if strings.Contains(response, "LOCKED") {
						lamp := d.skill.device("lamp").initial
						_ = d.skill.sender.Send(context.Background(), "house", &gateway.ChangeReport{
							EndpointID: "lamp", Cause: gateway.PhysicalInteraction, Properties: lamp[:1], Context: lamp[1:],
						})
					}
					return response
				})
			},
			"ChangeReport lamp powerState=OFF",
		},
		"responds with the wrong state": {
			func(d *demonstration) {
				d.alter(func(response string) string {
					return strings.Replace(response, `"name":"brightness"`, `"name":"powerState"`, 1)
				})
			},
			"Bob: ReportState lamp: expected the response",
		},
		"declares less than it reports": {
			func(d *demonstration) {
				d.alter(func(response string) string {
					return strings.Replace(response, `"proactivelyReported":true`, `"proactivelyReported":false`, 1)
				})
			},
			"expected the properties",
		},
		"returns another correlation token": {
			func(d *demonstration) {
				d.alter(func(response string) string {
					return strings.Replace(response, `"correlationToken":"`, `"correlationToken":"x`, 1)
				})
			},
			"another correlation token",
		},
		"does not defer the lock's response": {
			func(d *demonstration) { d.skill.device("lock").takes = 0 },
			`Ada: Lock lock: expected the response "DeferredResponse 0s", got "Response lockState=LOCKED connectivity=OK"`,
		},
		"never sends a deferred response": {
			func(d *demonstration) { d.drop(`"name":"Response"`) },
			"Lock with deferred responses: expected these events within 3s",
		},
		"responds without a directive": {
			func(d *demonstration) {
				d.gateway(func(r *http.Request, body string) (*http.Response, error) {
					r.Body = io.NopCloser(strings.NewReader(strings.Replace(body, `"correlationToken":"`, `"correlationToken":"x`, 1)))
					return d.cloud.RoundTrip(r)
				})
			},
			"Ada: Response lockState=LOCKED connectivity=OK responds to no deferred directive",
		},
		"reports too much at the end": {
			func(d *demonstration) {
				d.alter(func(response string) string {
					if strings.Contains(response, "ACCEPT_GRANT_FAILED") {
						_, err := d.skill.changed(context.Background(), d.skill.device("lamp"), gateway.AppInteraction, gateway.Brightness(1, time.Now()))
						if err != nil {
							return err.Error()
						}
					}
					return response
				})
			},
			"got\n   Ada: ChangeReport lamp brightness=1 APP_INTERACTION",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := begin(t)
				test.change(d)
				require.ErrorContains(t, d.run(t.Context()), test.found)
			})
		})
	}
}

// gateway makes a function handle the skill's requests to the gateway.
func (d *demonstration) gateway(between func(r *http.Request, body string) (*http.Response, error)) {
	d.skill.sender.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		return between(r, string(body))
	})}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// drop loses events with this text, although the skill gets a response of
// 202.
func (d *demonstration) drop(text string) {
	d.gateway(func(r *http.Request, body string) (*http.Response, error) {
		if strings.Contains(body, text) {
			return &http.Response{StatusCode: http.StatusAccepted, Body: http.NoBody, Request: r}, nil
		}
		return d.cloud.RoundTrip(r)
	})
}

// alter changes the responses of the skill.
func (d *demonstration) alter(change func(response string) string) {
	lambda := d.lambda
	d.lambda = func(ctx context.Context, directive json.RawMessage) (json.RawMessage, error) {
		response, err := lambda(ctx, directive)
		return json.RawMessage(change(string(response))), err
	}
}
