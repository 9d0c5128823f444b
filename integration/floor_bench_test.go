package integration

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/internal/compare"
	"github.com/alexaevents/alexaevents/lwa"
)

// floor does by hand what a store does: it sends the database the same, and takes
// all of the answer.
type floor interface {
	addFact(b *testing.B, fact identity.Fact)
	userFacts(b *testing.B, amazonUserID string) (facts int)
	grant(b *testing.B, key lwa.Key) (revision string)
	confirm(b *testing.B, key lwa.Key, at time.Time) // an update of a grant
}

// BenchmarkFloor says how much longer a store takes than its floor.
func BenchmarkFloor(b *testing.B) {
	type store interface {
		identity.Store
		lwa.Store
	}
	for name, open := range map[string]func(*testing.B) (floor, store){
		"SQLite": func(b *testing.B) (floor, store) {
			db := newSQLite(b)
			return newSQLFloor(b, db), db.store(b)
		},
		"PostgreSQL": func(b *testing.B) (floor, store) {
			db := newPostgres(b)
			return newSQLFloor(b, db), db.store(b)
		},
		"DynamoDB": func(b *testing.B) (floor, store) {
			store := newDynamo(b)
			return dynamoFloor{newDynamoClient(b), store.Prefix}, store
		},
	} {
		b.Run(name, func(b *testing.B) {
			floor, store := open(b)
			const customers = 1000
			key := func(n int) lwa.Key { return keyOf(fmt.Sprintf("account-%d", n%customers)) }
			user := func(n int) string { return customer(n % customers) }
			for n := range customers {
				require.NoError(b, store.AddFact(b.Context(), enabled(user(n), monday)))
				require.NoError(b, store.AddFact(b.Context(), linked(user(n), key(n).AccountID, monday)))
				require.NoError(b, store.UpdateGrant(b.Context(), key(n), func(g *lwa.Grant) error {
					g.Region, g.AccessToken, g.RefreshToken = alexaevents.Europe, "Atza|example", "Atzr|example"
					g.IssuedAt, g.Expiry, g.CodeHash = monday, monday.Add(time.Hour), fmt.Sprintf("%064d", n)
					return nil
				}))
			}

			b.Run("AddFact", func(b *testing.B) {
				newcomer := func(who string, n int) identity.Fact { return enabled(customer(n)+who, monday) }
				hers, his := rand.Text(), rand.Text()
				compare.Run(b, func(n int) { floor.addFact(b, newcomer(hers, n)) }, func(n int) {
					require.NoError(b, store.AddFact(b.Context(), newcomer(his, n)))
				})
			})
			b.Run("UserRecords", func(b *testing.B) {
				compare.Run(b, func(n int) { require.Equal(b, 2, floor.userFacts(b, user(n))) }, func(n int) {
					require.Len(b, collect(b, store.UserRecords(b.Context(), skill, user(n))), 1)
				})
			})
			b.Run("Grant", func(b *testing.B) {
				compare.Run(b, func(n int) { require.NotEmpty(b, floor.grant(b, key(n))) }, func(n int) {
					grant, err := store.Grant(b.Context(), key(n))
					require.NoError(b, err)
					require.NotEmpty(b, grant.RefreshToken)
				})
			})
			b.Run("UpdateGrant", func(b *testing.B) {
				at := func(n int) time.Time { return monday.Add(time.Duration(n) * time.Millisecond) }
				compare.Run(b, func(n int) { floor.confirm(b, key(n), at(n)) }, func(n int) {
					require.NoError(b, store.UpdateGrant(b.Context(), key(n), func(g *lwa.Grant) error {
						g.ConfirmedAt = at(n)
						return nil
					}))
				})
			})
		})
	}
}

func customer(n int) string { return fmt.Sprintf("amzn1.ask.account.%0180d", n) }
