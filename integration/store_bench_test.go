package integration

import (
	"database/sql"
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
func fill(b *testing.B, d database, customers int) {
	if d.Dialect == sqlstore.SQLite {
		d.Source = strings.ReplaceAll(d.Source, "synchronous(FULL)", "synchronous(OFF)")
	}
	db := d.open(b)
	store := sqlstore.New(db, d.Dialect)
	for n := range customers {
		at := monday.Add(time.Duration(n) * time.Second)
		require.NoError(b, store.AddFact(b.Context(), linked(customer(n), fmt.Sprintf("account-%d", n), at)))
		require.NoError(b, store.AddFact(b.Context(), disabled(customer(n), at.Add(time.Hour))))
	}
	if d.Dialect == sqlstore.Postgres { // as it does by itself in time
		_, err := db.Exec("VACUUM ANALYZE alexa_facts")
		require.NoError(b, err)
	}
}

func customer(n int) string { return fmt.Sprintf("amzn1.ask.account.%0180d", n) }

// size is how many bytes the database takes, or its facts.
func (d database) size(b *testing.B, db *sql.DB) (bytes int) {
	query := "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
	if d.Dialect == sqlstore.Postgres {
		query = "SELECT pg_total_relation_size('alexa_facts')"
	}
	require.NoError(b, db.QueryRow(query).Scan(&bytes))
	return bytes
}

func BenchmarkStore(b *testing.B) {
	for name, create := range map[string]newDatabase{"SQLite": newSQLite, "PostgreSQL": newPostgres} {
		for size := range strings.SplitSeq(*sizes, ",") {
			customers, err := strconv.Atoi(size)
			require.NoError(b, err)
			b.Run(name+"/customers="+size, func(b *testing.B) { benchmarkStore(b, create(b), customers) })
		}
	}
}

func benchmarkStore(b *testing.B, d database, customers int) {
	db := d.open(b)
	store := d.storeOn(b, db)
	fill(b, d, customers)

	b.Run("UserRecords", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n = (n + 7919) % customers
			require.Len(b, collect(b, store.UserRecords(b.Context(), skill, customer(n))), 1)
		}
		b.ReportMetric(float64(d.size(b, db)/customers), "stored-B/customer")
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
}
