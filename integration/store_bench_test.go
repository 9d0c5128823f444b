package integration

import (
	"database/sql"
	"flag"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/store/sqlstore"
	"github.com/alexaevents/alexaevents/store/storetest"
)

var sizes = flag.String("customers", "1000,10000", "numbers of customers that the store is timed with")

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
	durable := d.storeOn(b, db)
	// The customers come through a handle that does not wait for the disk.
	d.Source = strings.ReplaceAll(d.Source, "synchronous(FULL)", "synchronous(OFF)")
	fast := d.store(b)
	store := *fast
	var size int
	suite := storetest.Benchmark{Customers: customers, Loaded: func() {
		store = *durable
		size = sizeOf(b, d.Dialect, db)
		if d.Dialect == sqlstore.Postgres { // as it does by itself in time
			_, err := db.Exec("VACUUM ANALYZE alexa_facts, alexa_grants")
			require.NoError(b, err)
		}
	}}
	suite.Identity(b, &store)
	benchmarkTables(b, db, durable, customers, size)
	store = *fast
	suite.Grants(b, &store)
}

// benchmarkTables times what is particular to a store in SQL.
func benchmarkTables(b *testing.B, db *sql.DB, store *sqlstore.Store, customers, size int) {
	var users []string
	for fact, err := range store.Facts(b.Context()) {
		require.NoError(b, err)
		if users = append(users, fact.AmazonUserID); len(users) == 1000 {
			break
		}
	}
	b.Run("view by user", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			rows, err := viewRows(b.Context(), db, "WHERE AmazonUserID = $1", users[n%len(users)])
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
		b.ReportMetric(float64(size/customers), "stored-B/customer")
	})
	b.Run("Purge nothing", func(b *testing.B) {
		for b.Loop() {
			require.NoError(b, store.Purge(b.Context(), monday.AddDate(-1, 0, 0)))
		}
	})
}

// sizeOf is how many bytes the facts take, or the database while it has no grants.
func sizeOf(b *testing.B, dialect sqlstore.Dialect, db *sql.DB) (bytes int) {
	query := "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
	if dialect == sqlstore.Postgres {
		query = "SELECT pg_total_relation_size('alexa_facts')"
	}
	require.NoError(b, db.QueryRow(query).Scan(&bytes))
	return bytes
}

// BenchmarkDynamo times the store with an emulator, whose own time is most of it.
func BenchmarkDynamo(b *testing.B) {
	store := newDynamo(b)
	new(storetest.Benchmark).Identity(b, store)
	new(storetest.Benchmark).Grants(b, store)
}
