package identity_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
)

// FuzzRecords reads facts from bytes, four a fact, and holds the records to
// what must be true of any.
func FuzzRecords(f *testing.F) {
	f.Add([]byte{0, 1, 1, 0, 0, 1, 3, 1, 0, 5, 4, 0})
	f.Add([]byte{0, 5, 4, 0, 0, 1, 3, 1, 0, 1, 3, 1, 3, 1, 3, 2, 7, 1, 9, 9})
	f.Fuzz(func(t *testing.T, data []byte) {
		var facts []identity.Fact
		for fields := range slices.Chunk(data, 4) {
			if len(fields) < 4 || len(facts) == 64 {
				break
			}
			fact := identity.Fact{
				SkillID:      []string{"skill-1", "skill-2"}[fields[0]&1],
				AmazonUserID: []string{"user-1", "user-2", "", "user-3"}[fields[0]>>1&3],
				At:           at(int(fields[1] & 7)).Add(time.Duration(fields[1]>>3) * 100 * time.Microsecond),
				Kind:         identity.Kind(fields[2] % 6),
				AccountID:    []string{"", "a", "b", "c"}[fields[3]&3],
			}
			if fields[3] < 128 && fact.Kind != identity.Linked {
				fact.AccountID = ""
			}
			facts = append(facts, fact)
		}
		given := slices.Clone(facts)
		records := identity.Records(facts)
		require.Equal(t, given, facts, "Records changed its input")

		openers := make(map[string]bool)
		for _, fact := range facts {
			if clean, err := fact.Clean(); err == nil {
				openers[clean.ID()] = true
			} else {
				require.ErrorIs(t, err, identity.ErrInvalidFact)
			}
		}
		type user struct{ skillID, amazonUserID string }
		last := make(map[user]identity.Record)
		for i, record := range records {
			require.True(t, openers[record.ID], "no fact opens the record")
			delete(openers, record.ID) // so that no two records have one ID
			if i > 0 {
				require.False(t, record.StartDatetime.Before(records[i-1].StartDatetime), "not oldest first")
			}
			require.True(t, record.Open() || !record.EndDatetime.Before(record.StartDatetime), "ends before it starts")
			require.False(t, record.EnabledAt.After(record.StartDatetime), "linked before it was enabled")
			if before, ok := last[user{record.SkillID, record.AmazonUserID}]; ok {
				require.False(t, before.Open(), "an open record that is not the user's last")
				require.False(t, record.StartDatetime.Before(before.EndDatetime), "records of one user overlap")
			}
			last[user{record.SkillID, record.AmazonUserID}] = record
		}

		slices.Reverse(given)
		require.Equal(t, records, identity.Records(append(given, facts...)), "in another order, twice")
	})
}

// FuzzJWT looks for a text that gives an account without the key, or an error
// that holds the token. What lies before the signature decides the class of the
// error, so claims without a signature of the key are never told to fit or not.
func FuzzJWT(f *testing.F) {
	signer, key := ecKey(), ecKey()
	resolver := &identity.JWT{Keyfunc: keyOf(&key.PublicKey), Issuer: "https://auth.example", Audience: "skill", Now: func() time.Time { return noon }}
	f.Add(signed(f, jwt.SigningMethodES256, signer, goodClaims(nil)))
	f.Add(signed(f, jwt.SigningMethodES256, signer, goodClaims(jwt.MapClaims{"aud": nil, "client_id": "skill", "sub": 5})))
	f.Add(signed(f, jwt.SigningMethodHS256, []byte("key"), goodClaims(nil)))
	f.Add(signed(f, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, goodClaims(nil)))
	f.Add("Atza|IwEBIJ")
	f.Add("e30.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		account, err := resolver.Account(t.Context(), token)
		final, misconfigured := errors.Is(err, identity.ErrNoAccount), errors.Is(err, identity.ErrMisconfigured)
		if account != "" || final == misconfigured {
			t.Fatalf("account %q, error %v", account, err)
		}
		// Only a method that is not accepted, or of another kind of key, is a matter of the settings.
		if misconfigured && !errors.Is(err, jwt.ErrTokenSignatureInvalid) {
			t.Fatal(err)
		}
		requireNoToken(t, err, token)
	})
}

// FuzzJWTClaims holds genuine tokens, whatever their claims, to the classes of
// errors: an account that is one of the claims, or an error of one class.
func FuzzJWTClaims(f *testing.F) {
	key := []byte("a secret of the two servers, 32b")
	resolver := &identity.JWT{
		Keyfunc: keyOf(key), Issuer: "https://auth.example", Audience: "skill",
		Methods: []string{"HS256"}, Now: func() time.Time { return noon },
	}
	for _, claims := range []string{
		`{"iss":"https://auth.example","aud":["skill"],"exp":1772370000,"nbf":1,"sub":"account-1"}`,
		`{"iss":"https://auth.example","client_id":"skill","exp":1772370000,"sub":9007199254740993}`,
		`{"iss":"https://auth.example","aud":null,"client_id":"skill","exp":1e999,"sub":-0}`,
		`{"iss":["https://auth.example"],"aud":{"skill":1},"exp":"","nbf":[]}`,
		`null`, `[]`, `{} {}`, `{"sub":"a","sub":5}`,
	} {
		f.Add([]byte(claims))
	}
	f.Fuzz(func(t *testing.T, claims []byte) {
		text := "eyJhbGciOiJIUzI1NiJ9." + base64.RawURLEncoding.EncodeToString(claims)
		signature, err := jwt.SigningMethodHS256.Sign(text, key)
		require.NoError(t, err)
		account, err := resolver.Account(t.Context(), text+"."+base64.RawURLEncoding.EncodeToString(signature))
		final, misconfigured := errors.Is(err, identity.ErrNoAccount), errors.Is(err, identity.ErrMisconfigured)
		switch {
		case err == nil:
			decoder := json.NewDecoder(bytes.NewReader(claims))
			decoder.UseNumber()
			var want map[string]any
			require.NoError(t, decoder.Decode(&want))
			require.Equal(t, fmt.Sprint(want["sub"]), account)
			require.NotEmpty(t, account)
		case final == misconfigured || account != "":
			t.Fatalf("account %q, error %v", account, err)
		case final:
			require.True(t, errors.Is(err, jwt.ErrTokenExpired) || errors.Is(err, jwt.ErrTokenMalformed), err)
		}
	})
}
