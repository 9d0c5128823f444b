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

var update = flag.Bool("update", false, "write docs/faults.md anew")

const faultsFile = "../docs/faults.md"

const faultsIntroduction = `# What happens when Amazon fails

This file is written, and checked, by a test:
` + "`go test ./gateway -run TestFaults -update`" + ` writes it anew.

Each table is one request to Amazon, to Login with Amazon (LWA) or to the event
gateway, and each line has the failures of it that have the same outcome: if the
request fails once, and if it fails each time. An outcome is "accepted", or the
most precise error of package gateway that ` + "`errors.Is`" + ` finds; then how often LWA
and the gateway were asked, and, if it is not what one would think, how often the
event arrived at Alexa. "Stored" is what became of the grant. With rotation on, LWA
ends each refresh token with its use and gives a new one.

` + "`ErrNoGrant`, `ErrRelink` and `ErrSkillDisabled` are kinds of `ErrEnded`, `ErrThrottled`\n" +
	"and `ErrUnavailable` of `ErrTemporary`, `ErrTooLarge` of `ErrInvalidEvent`; `ErrMisconfigured`\n" +
	`has no kinds. Each error is exactly one of these four.

The failures are all that the gateway and LWA are known to answer, each with its
status, and what a network does; LWA answers as the gateway does too, and the
other way round.

`

// fault is a row of the tables.
type fault struct {
	name string
	alexatest.Fault
}

var faults = slices.Concat(
	// The answers that the event gateway is documented to give, or was seen to.
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

	// The same for LWA.
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
		{"no answer for a minute", alexatest.Fault{Delay: time.Minute}},
		{"connection reset before the request", alexatest.Fault{Reset: true}},
		{"connection reset before the answer", alexatest.Fault{Lost: true}},
		{"connection reset within the answer", alexatest.Fault{Truncate: true}},
		{"403, cut off", alexatest.Fault{Status: 403, Code: "SKILL_DISABLED_EXCEPTION", Truncate: true}},
	},
)

func coded(code string, statuses ...int) (rows []fault) {
	for _, status := range statuses {
		rows = append(rows, fault{fmt.Sprintf("%d %s", status, code), alexatest.Fault{Status: status, Code: code}})
	}
	return rows
}

// operation is a table: one request to Amazon, and what leads to it.
type operation struct {
	title, about string
	host         string // of the request, which is the one that fails
	events       int    // that arrive if all is well
	prepare      func(*testing.T, *backend)
	act          func(*testing.T, *backend) error
}

var operations = []operation{
	{
		"The exchange of a code", "`Granter.AcceptGrant`. Whatever the outcome, Alexa is answered within six seconds.",
		loginURL, 0, func(*testing.T, *backend) {},
		func(t *testing.T, b *backend) error {
			var failure error
			granter := b.granter(alexaevents.Europe)
			granter.Observe = func(_ context.Context, o gateway.GrantObservation) { failure = o.Err }
			start := time.Now()
			answer, err := granter.AcceptGrant(t.Context(), alexatest.AcceptGrantDirective(b.cloud.Grant(alexaevents.Europe, "anna"), "home/anna/1"))
			require.NoError(t, err)
			require.Equal(t, map[bool]string{true: "AcceptGrant.Response", false: "ACCEPT_GRANT_FAILED"}[failure == nil], readAnswer(t, answer))
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
		"An event of a moment", "`Sender.Send` of a DoorbellPress, by a Sender that does not resend them.",
		gatewayURL, 1, confirmed,
		func(t *testing.T, b *backend) error { return b.sender.Send(t.Context(), "home", doorbellPress()) },
	},
}

// Every fault strikes every request. The outcomes are data: to see what a change
// does, read the difference of the file.
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

// strike runs the operation while its request fails so many times. It returns
// what two columns of the table say.
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
		time.Sleep(time.Minute) // whatever goes on without its caller
		synctest.Wait()

		loginCalls, gatewayCalls, arrived = b.cloud.Calls(loginURL)-loginCalls, b.gatewayCalls()-gatewayCalls, len(b.cloud.Sent())-arrived
		outcome = cmp.Or(kindOf(err), "accepted") + "; " + counts(loginCalls, gatewayCalls)
		if expected := map[bool]int{true: o.events}[err == nil]; arrived != expected {
			outcome += fmt.Sprintf("; arrived: %d", arrived)
		}
		stored = change(before, b.grant(t, "home", "anna"))
		require.Equal(t, b.cloud.Calls(""), b.cloud.Calls(loginURL)+b.gatewayCalls(), "Amazon alone was asked")
		requireNoSecrets(t, b, err)
	})
	return outcome, stored
}

// decisions are what a caller decides by: each error of sending is exactly one of
// them, or an error of the caller's own.
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

// kindOf names the most precise of the package's errors that an error is, "error"
// if it is none of them, "" for nil.
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

// change tells what became of the grant.
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
