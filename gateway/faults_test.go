package gateway_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

var update = flag.Bool("update", false, "write docs/faults.md")

const faultsFile = "../docs/faults.md"

const faultsIntroduction = `# What happens when Amazon fails

A test checks this file, and writes it with
` + "`go test ./gateway -run TestFaults -update`" + `.

Each table is about one request to Amazon: to Login with Amazon (LWA) or to the event
gateway. Each row has the failures of that request with the same outcome: if the
request fails once, and if it fails each time. An outcome is "accepted", or the
most precise error of package gateway that ` + "`errors.Is`" + ` finds; then the number of
requests to LWA and to the gateway; and, if it differs from the expected number, how
often the event arrived at Alexa. "Stored" is the change of the grant. With rotation
on, LWA ends each refresh token with its use and gives a new one.

` + "`ErrNoGrant`, `ErrRelink` and `ErrSkillDisabled` are kinds of `ErrEnded`, `ErrThrottled`\n" +
	"and `ErrUnavailable` of `ErrTemporary`, `ErrTooLarge` of `ErrInvalidEvent`; `ErrMisconfigured`\n" +
	`has no kinds. Each error is exactly one of these four.

The failures are all known error responses of the gateway and of LWA, each with its
status, and the failures of a network. The tables for LWA also have the responses of
the gateway, and the other way round. For outages of an hour, see [outbox.md](outbox.md).

`

// fault is a row of the tables.
type fault struct {
	name string
	alexatest.Fault
}

var faults = slices.Concat(
	// The error responses of the event gateway, documented or observed.
	coded("INVALID_REQUEST_EXCEPTION", 400),
	coded("INVALID_ACCESS_TOKEN_EXCEPTION", 401),
	coded("SKILL_DISABLED_EXCEPTION", 403),
	coded("SKILL_NEVER_ENABLED_EXCEPTION", 403),
	coded("INSUFFICIENT_PERMISSION_EXCEPTION", 403),
	coded("ACCOUNT_NOT_FOUND_EXCEPTION", 404),
	coded("SKILL_NOT_FOUND_EXCEPTION", 404),
	coded("REQUEST_ENTITY_TOO_LARGE_EXCEPTION", 413),
	coded("THROTTLING_EXCEPTION", 429),
	coded("INTERNAL_SERVICE_EXCEPTION", 500),
	coded("SERVICE_UNAVAILABLE_EXCEPTION", 503),

	// The error responses of LWA.
	coded("invalid_request", 400),
	coded("invalid_client", 400, 401),
	coded("invalid_grant", 400, 401),
	coded("unauthorized_client", 400, 401),
	coded("unsupported_grant_type", 400),
	coded("invalid_scope", 400),
	coded("invalid_token", 400),
	coded("authorization_pending", 400),
	coded("slow_down", 400),
	coded("expired_token", 400),
	coded("access_denied", 400),
	coded("server_error", 500),
	coded("ServerError", 500),
	coded("ServiceUnavailable", 503),

	[]fault{
		{"429, Retry-After: 5", alexatest.Fault{Status: 429, Header: http.Header{"Retry-After": {"5"}}}},
		{"429, Retry-After: 3600", alexatest.Fault{Status: 429, Header: http.Header{"Retry-After": {"3600"}}}},
		{"408, HTML", alexatest.Fault{Status: 408, Body: "<html>Request Timeout</html>"}},
		{"404, HTML", alexatest.Fault{Status: 404, Body: "<html>Not Found</html>"}},
		{"502, HTML", alexatest.Fault{Status: 502, Body: "<html>Bad Gateway</html>"}},
		{"503, empty", alexatest.Fault{Status: 503}},
		{"200, HTML", alexatest.Fault{Status: 200, Body: "<html>Welcome</html>"}},
		{"204, empty", alexatest.Fault{Status: 204}},
		{"redirect", alexatest.Fault{Status: 307, Header: http.Header{"Location": {"https://other.example/"}}}},
		{"no response for a minute", alexatest.Fault{Delay: time.Minute}},
		{"connection reset before the request", alexatest.Fault{Reset: true}},
		{"connection reset before the response", alexatest.Fault{Lost: true}},
		{"connection reset within the response", alexatest.Fault{Truncate: true}},
		{"403, cut off", alexatest.Fault{Status: 403, Code: "SKILL_DISABLED_EXCEPTION", Truncate: true}},
	},
)

func coded(code string, statuses ...int) (rows []fault) {
	for _, status := range statuses {
		rows = append(rows, fault{fmt.Sprintf("%d %s", status, code), alexatest.Fault{Status: status, Code: code}})
	}
	return rows
}

// operation is a table: one request to Amazon, and how the test makes it.
type operation struct {
	title, about string
	host         string // host of the request that fails
	events       int    // number of events that arrive without a failure
	prepare      func(*testing.T, *backend)
	act          func(*testing.T, *backend) error
}

var operations = []operation{
	{
		"The exchange of a code", "`Granter.AcceptGrant`. Whatever the outcome, Alexa gets a response within six seconds.",
		loginURL, 0, func(*testing.T, *backend) {},
		func(t *testing.T, b *backend) error {
			var failure error
			granter := b.granter(alexaevents.Europe)
			granter.Observe = func(_ context.Context, o gateway.GrantObservation) { failure = o.Err }
			start := time.Now()
			name := respond(t.Context(), t, granter, b.acceptGrant(alexaevents.Europe, "home/anna/1"))
			require.Equal(t, map[bool]string{true: "AcceptGrant.Response", false: "ACCEPT_GRANT_FAILED"}[failure == nil], name)
			require.LessOrEqual(t, time.Since(start), 6*time.Second)
			return failure
		},
	},
	{
		"The refresh of an access token", "`Sender.Send` of a ChangeReport, two hours after the last event.",
		loginURL, 1,
		func(t *testing.T, b *backend) {
			confirmed(t, b)
			time.Sleep(2 * time.Hour)
		},
		sendReport,
	},
	{"An event", "`Sender.Send` of a ChangeReport. Events of this grant were accepted before.", gatewayURL, 1, confirmed, sendReport},
	{"The first event of a grant", "`Sender.Send` of a ChangeReport. The grant may be of another region.", gatewayURL, 1, linked, sendReport},
	{
		"A momentary event", "`Sender.Send` of a DoorbellPress, without RetryMomentary.",
		gatewayURL, 1, confirmed,
		func(t *testing.T, b *backend) error { return b.sender.Send(t.Context(), "home", doorbellPress()) },
	},
}

// Every fault occurs in every request. To see what a change of the code does, read
// the diff of docs/faults.md.
func TestFaults(t *testing.T) {
	var file strings.Builder
	file.WriteString(faultsIntroduction)
	for _, operation := range operations {
		fmt.Fprintf(&file, "## %s\n\n%s\n\n", operation.title, operation.about)
		var tables []string
		for _, rotate := range []bool{false, true} {
			tables = append(tables, table(t, operation, rotate))
		}
		if tables[0] == tables[1] {
			fmt.Fprintf(&file, "With rotation off and on:\n\n%s", tables[0])
		} else {
			fmt.Fprintf(&file, "With rotation off:\n\n%s\nWith rotation on:\n\n%s", tables[0], tables[1])
		}
		file.WriteString("\n")
	}
	got := strings.TrimSuffix(file.String(), "\n")
	if *update {
		require.NoError(t, os.WriteFile(faultsFile, []byte(got), 0o666))
	}
	want, err := os.ReadFile(faultsFile)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// table returns the table of an operation.
func table(t *testing.T, o operation, rotate bool) string {
	t.Helper()
	var text strings.Builder
	text.WriteString("| failure | once | stored | each time | stored |\n|---|---|---|---|---|\n")
	var outcomes []string                 // in the order in which they first occur
	failures := make(map[string][]string) // by outcome
	for _, fault := range faults {
		once, onceStored := strike(t, o, fault, 1, rotate)
		always, alwaysStored := strike(t, o, fault, -1, rotate)
		outcome := strings.Join([]string{once, onceStored, always, alwaysStored}, " | ")
		if failures[outcome] == nil {
			outcomes = append(outcomes, outcome)
		}
		failures[outcome] = append(failures[outcome], fault.name)
	}
	for _, outcome := range outcomes {
		fmt.Fprintf(&text, "| %s | %s |\n", strings.Join(failures[outcome], "<br>"), outcome)
	}
	return text.String()
}

// strike runs the operation while its request fails the given number of times, and
// returns the texts of two columns of the table.
func strike(t *testing.T, o operation, f fault, times int, rotate bool) (outcome, stored string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.cloud.RotateRefreshTokens(rotate)
		o.prepare(t, b)
		before := b.grant(t, "home", "anna")
		loginCalls, gatewayCalls, arrived := b.cloud.Calls(loginURL), b.gatewayCalls(), len(b.cloud.Sent())
		f.URL, f.Times = o.host, times
		b.cloud.Fail(f.Fault)
		err := o.act(t, b)
		time.Sleep(time.Minute) // for what continues in the background
		synctest.Wait()

		loginCalls, gatewayCalls, arrived = b.cloud.Calls(loginURL)-loginCalls, b.gatewayCalls()-gatewayCalls, len(b.cloud.Sent())-arrived
		outcome = cmp.Or(kindOf(err), "accepted") + "; " + counts(loginCalls, gatewayCalls)
		if expected := map[bool]int{true: o.events}[err == nil]; arrived != expected {
			outcome += fmt.Sprintf("; arrived: %d", arrived)
		}
		stored = change(before, b.grant(t, "home", "anna"))
		require.Equal(t, b.cloud.Calls(""), b.cloud.Calls(loginURL)+b.gatewayCalls(), "all requests went to Amazon")
		requireNoSecrets(t, b, err)
	})
	return outcome, stored
}

// decisions are the errors that a program decides by: each error of sending is exactly
// one of them, or an error of the caller's context or store.
var decisions = []error{gateway.ErrEnded, gateway.ErrTemporary, gateway.ErrMisconfigured, gateway.ErrInvalidEvent}

// kinds are the package's errors, the more precise ones first.
var kinds = []struct {
	name string
	err  error
}{
	{"ErrNoGrant", gateway.ErrNoGrant},
	{"ErrRelink", gateway.ErrRelink},
	{"ErrSkillDisabled", gateway.ErrSkillDisabled},
	{"ErrThrottled", gateway.ErrThrottled},
	{"ErrUnavailable", gateway.ErrUnavailable},
	{"ErrTooLarge", gateway.ErrTooLarge},
	{"ErrEnded", gateway.ErrEnded},
	{"ErrTemporary", gateway.ErrTemporary},
	{"ErrMisconfigured", gateway.ErrMisconfigured},
	{"ErrInvalidEvent", gateway.ErrInvalidEvent},
}

// kindOf returns the name of the most precise error of the package that an error is,
// "error" for another error, "" for nil.
func kindOf(err error) string {
	for _, kind := range kinds {
		if errors.Is(err, kind.err) {
			return kind.name
		}
	}
	if err != nil {
		return "error"
	}
	return ""
}

func counts(login, gateway int) string {
	var texts []string
	if login > 0 {
		texts = append(texts, fmt.Sprintf("LWA %d", login))
	}
	if gateway > 0 {
		texts = append(texts, fmt.Sprintf("gateway %d", gateway))
	}
	return strings.Join(texts, ", ")
}

// change returns how the grant changed.
func change(before, after lwa.Grant) string {
	var changes []string
	note := func(changed bool, name string) {
		if changed {
			changes = append(changes, name)
		}
	}
	isNew := before.RefreshToken == "" && after.RefreshToken != ""
	note(isNew, "the grant")
	note(before.RefreshToken != "" && after.RefreshToken == "", "deleted")
	note(!isNew && before.AccessToken != after.AccessToken, "a new token")
	note(before.Live() && !after.Live(), "ended")
	note(before.DisabledAt.IsZero() && !after.DisabledAt.IsZero(), "disabled")
	note(before.ConfirmedAt.IsZero() && !after.ConfirmedAt.IsZero(), "its region proved")
	return cmp.Or(strings.Join(changes, ", "), "-")
}
