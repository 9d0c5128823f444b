package lwa

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestClean(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 123_456_789, time.FixedZone("CET", 3600))
	want := time.Date(2026, 3, 1, 11, 0, 0, 123_000_000, time.UTC)
	key := Key{ClientID: "client", AccountID: "account"}
	grant, err := Grant{Key: key, IssuedAt: at, Expiry: at, ConfirmedAt: at, RefusedAt: at, DisabledAt: at, ProbedAt: at, RefreshToken: "r"}.Clean()
	require.NoError(t, err)
	require.Equal(t, Grant{Key: key, IssuedAt: want, Expiry: want, ConfirmedAt: want, RefusedAt: want, DisabledAt: want, ProbedAt: want, RefreshToken: "r"}, grant)

	grant, err = Grant{Key: key}.Clean()
	require.NoError(t, err)
	require.Equal(t, Grant{Key: key}, grant, "zero times stay zero")

	for _, key := range []Key{
		{},
		{ClientID: "client"},
		{AccountID: "account"},
		{LinkID: "link"},
		{ClientID: "client\x00", AccountID: "account"},
		{ClientID: "client", AccountID: "account\xff"},
		{ClientID: "client", AccountID: "account", LinkID: "link\x00"},
	} {
		_, err := Grant{Key: key, RefreshToken: "r"}.Clean()
		require.ErrorIs(t, err, ErrInvalidKey)
	}
	_, err = Grant{Key: key, RefreshToken: "secret\x00"}.Clean()
	require.ErrorContains(t, err, "NUL")
	require.NotContains(t, err.Error(), "secret")
}

func TestLive(t *testing.T) {
	grant := Grant{RefreshToken: "r1"}
	require.True(t, grant.Live())
	grant.Refused = hash("r1")
	require.False(t, grant.Live())
	grant.RefreshToken = "r2"
	require.True(t, grant.Live(), "a new refresh token makes it live")
}

// Different keys and fields have different encodings.
func TestKeyBytes(t *testing.T) {
	text := rapid.StringOfN(rapid.SampledFrom([]rune{'a', 'b', 0, 1, 2, '|'}), 0, 3, -1)
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(text, 8, 8).Draw(t, "parts")
		k1, k2 := Key{parts[0], parts[1], parts[2]}, Key{parts[4], parts[5], parts[6]}
		same := k1 == k2 && parts[3] == parts[7]
		require.Equal(t, same, string(k1.bytes(parts[3])) == string(k2.bytes(parts[7])))
		require.Equal(t, k1 == k2, string(k1.bytes()) == string(k2.bytes()))
	})
}

func TestDue(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	grant := func(issued, expiry time.Duration) Grant {
		return Grant{AccessToken: "a", IssuedAt: now.Add(issued), Expiry: now.Add(expiry)}
	}
	for name, test := range map[string]struct {
		grant Grant
		want  bool
	}{
		"no token":                    {Grant{Expiry: now.Add(time.Hour)}, true},
		"new":                         {grant(0, time.Hour), false},
		"six minutes left":            {grant(-54*time.Minute, 6*time.Minute), false},
		"five minutes left":           {grant(-55*time.Minute, 5*time.Minute), true},
		"expired":                     {grant(-time.Hour, 0), true},
		"a short life":                {grant(0, time.Minute), false},
		"the end of a short life":     {grant(-45*time.Second, 15*time.Second), true},
		"no expiry":                   {Grant{AccessToken: "a", IssuedAt: now.Add(-time.Hour)}, false},
		"issued at an unknown time":   {Grant{AccessToken: "a", Expiry: now.Add(7 * time.Minute)}, false},
		"the same, five minutes left": {Grant{AccessToken: "a", Expiry: now.Add(5 * time.Minute)}, true},
		"issued after it expires":     {grant(2*time.Hour, time.Hour), false},
	} {
		require.Equal(t, test.want, due(test.grant, now), name)
	}
}
