package cloud

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJournal(t *testing.T) {
	r := start(t, Config{})
	done := make(chan []Entry, 1)
	go func() {
		var found []Entry
		response, err := http.Get(r.url + "/_cloud/journal?wait=2&timeout=1m&kind=event&customer=anna")
		if err == nil {
			err = json.NewDecoder(response.Body).Decode(&found)
		}
		if err != nil {
			t.Error(err)
		}
		done <- found
	}()
	for _, name := range []string{"anna", "emma", "anna"} {
		r.call(t, "POST", "/_cloud/customers/"+name+"/launch", nil, nil)
	}
	found := <-done
	require.Len(t, found, 2)
	require.Equal(t, "LaunchRequest", found[0].Name)

	var late ErrorBody
	require.Equal(t, 408, r.call(t, "GET", "/_cloud/journal?wait=9&timeout=1ms&name=LaunchRequest&status=200&direction=to_backend", nil, &late))
	require.Equal(t, "3 of 9 entries within 1ms", late.Error.Message)
	require.Len(t, late.Found, 3)
	for _, query := range []string{"wait=x", "wait=-1", "timeout=soon", "timeout=1h", "after=x"} {
		require.Equal(t, 400, r.call(t, "GET", "/_cloud/journal?"+query, nil, &late), query)
	}
}

// The ASK CLI sends token requests as JSON.
func TestJournalOfTokenRequests(t *testing.T) {
	r := start(t, Config{})
	const token = "https://api.amazon.com/auth/o2/token"
	for contentType, body := range map[string]string{
		"application/json":                  `{"grant_type":"refresh_token"}`,
		"application/x-www-form-urlencoded": "grant_type=refresh_token",
	} {
		response, err := r.proxied(t).Post(token, contentType, strings.NewReader(body))
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
	}
	require.Len(t, r.journal.find(t.Context(), Filter{Kind: kindToken, Name: "refresh_token"}, 0), 2)
}

// No secret that went in or out is in the journal.
func TestSecretsAreRedacted(t *testing.T) {
	r := start(t, Config{})
	var grant Grant
	r.call(t, "POST", "/_cloud/customers/anna/link", Action{Token: "hush-account"}, nil)
	r.call(t, "POST", "/_cloud/customers/anna/grant", Action{}, &grant)
	secrets := []string{"hush-account", "hush-client", grant.Code}
	client := r.proxied(t)
	form := url.Values{"grant_type": {"authorization_code"}, "code": {grant.Code}, "client_id": {"c"}, "client_secret": {"hush-client"}}
	response, err := client.PostForm("https://api.amazon.com/auth/o2/token", form)
	require.NoError(t, err)
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&tokens))
	secrets = append(secrets, tokens.Access, tokens.Refresh)
	event := `{"event":{"header":{"namespace":"Alexa","name":"ChangeReport"},"endpoint":{"scope":{"type":"BearerToken","token":"` + tokens.Access + `"}}}}`
	request, err := http.NewRequest("POST", "https://api.amazonalexa.com/v3/events?access_token="+url.QueryEscape(tokens.Access), strings.NewReader(event))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+tokens.Access)
	_, err = client.Do(request)
	require.NoError(t, err)

	var journal []byte
	r.call(t, "GET", "/_cloud/journal", nil, &journal)
	for _, secret := range secrets {
		require.NotContains(t, string(journal), secret)
		require.NotContains(t, string(journal), url.QueryEscape(secret))
	}
	var entries []Entry
	r.call(t, "GET", "/_cloud/journal?kind=gateway", nil, &entries)
	require.Equal(t, "Alexa.ChangeReport", entries[0].Name)
	require.Equal(t, "anna", entries[0].Customer)
	require.Contains(t, entries[0].Response, "INVALID_REQUEST_EXCEPTION", "the code of an error is no secret")
	r.call(t, "GET", "/_cloud/journal?kind=token", nil, &entries)
	require.Equal(t, "authorization_code", entries[0].Name)
	require.Contains(t, entries[0].Request, "client_secret=%5Bredacted%5D")
}

func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":{"access_token":"x"},"n":1.0}`:                   `{"a":{"access_token":"[redacted]"},"n":1.0}`,
		`[{"code":"abc"},{"code":"SKILL_DISABLED_EXCEPTION"}]`: `[{"code":"[redacted]"},{"code":"SKILL_DISABLED_EXCEPTION"}]`,
		`{"Message":"{\"token\":\"x\"}"}`:                      `{"Message":"{\"token\":\"[redacted]\"}"}`,
		`{"SubscribeURL":"https://sns/?Token=x&a=1"}`:          `{"SubscribeURL":"https://sns/?Token=%5Bredacted%5D&a=1"}`,
		`{"URL":"https://sns/?b=2&a=1"}`:                       `{"URL":"https://sns/?b=2&a=1"}`,
		`a=1&code=x`:                                           `a=1&code=%5Bredacted%5D`,
		`a = 1`:                                                `a = 1`,
		`token Atza|abc9 here`:                                 `token [redacted] here`,
		`<script>`:                                             `<script>`,
		``:                                                     ``,
	} {
		require.Equal(t, want, redact(text))
	}
	long := redact(strings.Repeat("ä", maxShown))
	require.Less(t, len(shown(long)), maxShown+4)
}

// The journal forgets the oldest entries, and what they sent.
func TestJournalForgets(t *testing.T) {
	j := newJournal()
	for range maxEntries + 1 {
		j.add(Entry{}, &sent{})
	}
	require.Equal(t, 2, j.entries[0].ID)
	require.Len(t, j.entries, maxEntries)
	require.Len(t, j.sent, maxEntries)
	_, err := j.original(1)
	require.ErrorContains(t, err, "1")
}

func TestRedactURL(t *testing.T) {
	for text, want := range map[string]string{
		"http://localhost/events":            "http://localhost/events",
		"https://ann:hush@localhost/?code=x": "https://ann:xxxxx@localhost/?code=%5Bredacted%5D",
		"http://[/?t=Atza|abc9":              "http://[/?t=[redacted]",
	} {
		require.Equal(t, want, redactURL(text))
	}
}
