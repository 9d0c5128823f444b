package transfer_test

import (
	"bytes"
	"context"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/transfer"
)

// tb is a test, of rapid too.
type tb interface {
	require.TestingT
	Context() context.Context
}

func onEach(t *testing.T, test func(*testing.T, transfer.Format)) {
	for name, format := range map[string]transfer.Format{"CSV": transfer.CSV, "JSONLines": transfer.JSONLines} {
		t.Run(name, func(t *testing.T) { test(t, format) })
	}
}

const skillID = "amzn1.ask.skill.1"

// at is an instant n seconds after midnight.
func at(n int) time.Time { return time.Date(2026, 3, 1, 0, 0, n, 0, time.UTC) }

func factOf(user string, n int, kind identity.Kind, accountID string) identity.Fact {
	return identity.Fact{SkillID: skillID, AmazonUserID: user, At: at(n), Kind: kind, AccountID: accountID}
}

// collect returns what an iterator yields that must not fail.
func collect[T any](t tb, all iter.Seq2[T, error]) []T {
	var collected []T
	for value, err := range all {
		require.NoError(t, err)
		collected = append(collected, value)
	}
	return collected
}

// filled returns a store with the facts.
func filled(t tb, facts []identity.Fact) *identity.MemoryStore {
	store := new(identity.MemoryStore)
	for _, fact := range facts {
		require.NoError(t, store.AddFact(t.Context(), fact))
	}
	return store
}

// table returns the records of facts, without what a table does not keep.
func table(facts []identity.Fact) []identity.Record {
	records := identity.Records(facts)
	for i := range records {
		records[i].ID, records[i].EnabledAt = "", time.Time{}
	}
	return records
}

// exported returns the table of a store's customers.
func exported(t tb, format transfer.Format, store *identity.MemoryStore) string {
	var file bytes.Buffer
	require.NoError(t, (&transfer.Export{Format: format}).Customers(&file, store.Facts(t.Context())))
	return file.String()
}

// imported returns the facts that a table makes in an empty store.
func imported(t tb, format transfer.Format, file string) []identity.Fact {
	store := new(identity.MemoryStore)
	require.NoError(t, (&transfer.Import{Format: format, SkillID: skillID}).Customers(t.Context(), store, strings.NewReader(file)))
	return collect(t, store.Facts(t.Context()))
}

func putGrant(t tb, store lwa.Store, grant lwa.Grant) {
	require.NoError(t, store.UpdateGrant(t.Context(), grant.Key, func(g *lwa.Grant) error { *g = grant; return nil }))
}
