package lwa_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

// marshalled returns every marshalled form of a value.
func marshalled(value any) string {
	var text bytes.Buffer
	asJSON, err := json.Marshal(value)
	fmt.Fprintln(&text, string(asJSON), err)
	asXML, err := xml.Marshal(value)
	fmt.Fprintln(&text, string(asXML), err)
	return text.String()
}

func TestNothingPrintsSecrets(t *testing.T) { synctest.Test(t, testNothingPrintsSecrets) }

func testNothingPrintsSecrets(t *testing.T) {
	const canary = "Atz|canary"
	a := new(amazon)
	client := &lwa.Client{ID: clientID, Secret: canary}
	grant := lwa.Grant{Key: keyOf("account"), AccessToken: canary, RefreshToken: canary, Expiry: time.Unix(1, 0)}
	store := new(lwa.MemoryStore)
	require.NoError(t, store.UpdateGrant(t.Context(), grant.Key, func(g *lwa.Grant) error { *g = grant; return nil }))
	credentials := &lwa.ClientCredentials{
		Client: &lwa.Client{ID: clientID, Secret: canary, HTTPClient: always(200, `{"access_token":"`+canary+`","expires_in":3600}`).HTTPClient},
		Scope:  lwa.ScopeSkillMessaging,
	}
	token, err := credentials.Token(t.Context())
	require.NoError(t, err)
	require.Equal(t, alexaevents.Secret(canary), token)

	synctest.Wait() // printing takes no lock
	for name, value := range map[string]any{
		"client":          *client,
		"client pointer":  client,
		"token":           lwa.Token{AccessToken: canary, RefreshToken: canary},
		"grant":           grant,
		"grant pointer":   &grant,
		"grants":          []lwa.Grant{grant},
		"store":           store,
		"source":          a.source(store),
		"source's client": &lwa.Source{Client: client, Store: store},
		"http client":     (&lwa.Source{Client: client, Store: store}).HTTPClient("account"),
		"credentials":     credentials,
		"sealed":          &lwa.Sealed{Store: store},
	} {
		text := everywhere(value)
		require.NotEmpty(t, text, name)
		require.NotContains(t, text, "canary", name)
		require.NotContains(t, text, hex.EncodeToString([]byte("canary")), name)
	}
}

func TestClientPrintsItsID(t *testing.T) {
	client := &lwa.Client{ID: "the-id", Secret: "the-secret"}
	require.Equal(t, "{the-id [redacted]}", fmt.Sprint(client))
	require.Equal(t, "{ID:the-id Secret:[redacted]}", fmt.Sprintf("%+v", *client))
	require.Equal(t, "{the-id }", fmt.Sprint(lwa.Client{ID: "the-id"}), "shows that there is no secret")
	data, err := json.Marshal(client)
	require.NoError(t, err)
	require.JSONEq(t, `"{the-id [redacted]}"`, string(data))
	var text bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("m", "client", client)
	require.Contains(t, text.String(), "client.id=the-id client.secret=[redacted]")
}

// A Source does not print its unsaved tokens or its fields.
func TestSourceDoesNotPrintTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &amazon{rotates: true}
		store := &faultyStore{Store: new(lwa.MemoryStore)}
		source, key := imported(t, a, store, "canary")
		store.failWrites.Store(true)
		_, err := source.Token(t.Context(), key)
		require.NoError(t, err)
		for _, value := range []any{source, source.HTTPClient("account"), []*lwa.Source{source}, &lwa.ClientCredentials{Client: a.client()}} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%p"} {
				text := fmt.Sprintf(verb, value)
				require.NotContains(t, text, "canary", verb)
				require.NotContains(t, text, hex.EncodeToString([]byte("canary")), verb)
				require.NotContains(t, text, clientSecret, verb)
			}
		}
		store.failWrites.Store(false)
		require.NoError(t, source.Flush(t.Context()))
	})
}
