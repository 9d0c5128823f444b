package identity_test

import (
	"errors"
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
// that is not the last word or holds the token.
func FuzzJWT(f *testing.F) {
	signer, key := ecKey(), ecKey()
	resolver := &identity.JWT{Keyfunc: keyOf(&key.PublicKey), Issuer: "https://auth.example", Audience: "skill", Now: func() time.Time { return noon }}
	f.Add(signed(f, jwt.SigningMethodES256, signer, goodClaims(nil)))
	f.Add(signed(f, jwt.SigningMethodHS256, []byte("key"), goodClaims(nil)))
	f.Add(signed(f, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, goodClaims(nil)))
	f.Add("Atza|IwEBIJ")
	f.Add("e30.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		account, err := resolver.Account(t.Context(), token)
		if account != "" || !errors.Is(err, identity.ErrNoAccount) {
			t.Fatalf("account %q, error %v", account, err)
		}
		requireNoToken(t, err, token)
	})
}
