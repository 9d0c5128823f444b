package identity

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An erased account is removed from the index too.
func TestMemoryStoreIndexForgets(t *testing.T) {
	fact := Fact{SkillID: "skill", AmazonUserID: "user", At: time.Unix(1, 0), Kind: Linked, AccountID: "account"}
	for name, erase := range map[string]func(*MemoryStore) error{
		"user":    func(s *MemoryStore) error { return s.EraseUser(t.Context(), "", "user") },
		"account": func(s *MemoryStore) error { return s.EraseAccount(t.Context(), "account") },
		"purge":   func(s *MemoryStore) error { return s.Purge(t.Context(), time.Unix(2, 0)) },
	} {
		t.Run(name, func(t *testing.T) {
			store := new(MemoryStore)
			require.NoError(t, store.AddFact(t.Context(), fact))
			require.NoError(t, erase(store))
			require.Empty(t, store.accounts)
			require.Empty(t, store.users)
		})
	}
}
