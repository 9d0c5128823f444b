package integration

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/store/sqlstore"
)

var sizes = flag.String("customers", "1000,10000", "numbers of customers that the store is timed with")

// fill adds customers who linked and disabled, with user IDs as long as
// Amazon's usual ones.
func fill(b *testing.B, store *sqlstore.Store, customers int) {
	for n := range customers {
		at := monday.Add(time.Duration(n) * time.Second)
		require.NoError(b, store.AddFact(b.Context(), linked(customer(n), fmt.Sprintf("account-%d", n), at)))
		require.NoError(b, store.AddFact(b.Context(), disabled(customer(n), at.Add(time.Hour))))
	}
}

func customer(n int) string { return fmt.Sprintf("amzn1.ask.account.%0180d", n) }

func BenchmarkSQLite(b *testing.B) {
	for size := range strings.SplitSeq(*sizes, ",") {
		customers, err := strconv.Atoi(size)
		require.NoError(b, err)
		b.Run("customers="+size, func(b *testing.B) {
			path := newFile(b)
			loader := openFile(b, path, "_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)")
			fill(b, migrated(b, loader), customers)
			db := openFile(b, path, durable)
			store := migrated(b, db)
			var pages, pageSize int
			require.NoError(b, db.QueryRow("PRAGMA page_count").Scan(&pages))
			require.NoError(b, db.QueryRow("PRAGMA page_size").Scan(&pageSize))

			b.Run("UserRecords", func(b *testing.B) {
				n := 0
				for b.Loop() {
					n = (n + 7919) % customers
					require.Len(b, collect(b, store.UserRecords(b.Context(), skill, customer(n))), 1)
				}
				b.ReportMetric(float64(pages*pageSize/customers), "file-B/customer")
			})
			b.Run("AccountRecords", func(b *testing.B) {
				n := 0
				for b.Loop() {
					n = (n + 7919) % customers
					require.Len(b, collect(b, store.AccountRecords(b.Context(), fmt.Sprintf("account-%d", n))), 1)
				}
			})
			b.Run("view by user", func(b *testing.B) {
				n := 0
				for b.Loop() {
					n = (n + 7919) % customers
					rows, err := viewRows(b.Context(), db, "WHERE AmazonUserID = $1", customer(n))
					require.NoError(b, err)
					require.Len(b, rows, 1)
				}
			})
			b.Run("whole view", func(b *testing.B) {
				for b.Loop() {
					var count int
					require.NoError(b, db.QueryRow("SELECT count(ID) FROM alexa_customers").Scan(&count))
					require.Equal(b, customers, count)
				}
			})
			b.Run("AddFact", func(b *testing.B) {
				n := 0
				for b.Loop() {
					n++
					require.NoError(b, store.AddFact(b.Context(), linked(customer(n%customers), "another account", monday.AddDate(1, 0, n))))
				}
			})
			b.Run("Purge nothing", func(b *testing.B) {
				for b.Loop() {
					require.NoError(b, store.Purge(b.Context(), monday))
				}
			})
		})
	}
}
