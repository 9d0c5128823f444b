package integration

import (
	"database/sql"
	"flag"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/store/sqlstore"
	"github.com/alexaevents/alexaevents/store/storebench"
	"github.com/alexaevents/alexaevents/store/transfer"
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
	suite := storebench.Suite{Customers: customers, Loaded: func() {
		store = *durable
		if d.Dialect == sqlstore.Postgres { // as it does by itself in time
			_, err := db.Exec("VACUUM ANALYZE alexa_facts, alexa_grants")
			require.NoError(b, err)
		}
	}}
	suite.Identity(b, &store)
	benchmarkTables(b, db, durable, customers)
	store = *fast
	suite.Grants(b, &store)
	b.Run("sizes", func(b *testing.B) { reportSizes(b, d.Dialect, db) })
}

// benchmarkTables times what only a store in SQL has.
func benchmarkTables(b *testing.B, db *sql.DB, store *sqlstore.Store, customers int) {
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
	})
	b.Run("Purge nothing", func(b *testing.B) {
		for b.Loop() {
			require.NoError(b, store.Purge(b.Context(), monday.AddDate(-1, 0, 0)))
		}
	})
}

// reportSizes reports the size of the tables and indexes, and the peak memory of
// this process.
func reportSizes(b *testing.B, dialect sqlstore.Dialect, db *sql.DB) {
	for b.Loop() { // there is nothing to time
	}
	b.ReportMetric(0, "ns/op")
	query := "SELECT name, sum(pgsize) FROM dbstat GROUP BY name"
	if dialect == sqlstore.Postgres {
		query = "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relnamespace = current_schema::regnamespace AND relkind IN ('r', 'i')"
	}
	rows, err := db.Query(query)
	require.NoError(b, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		var bytes float64
		require.NoError(b, rows.Scan(&name, &bytes))
		if bytes > 1<<20 {
			b.ReportMetric(bytes/(1<<20), name+"-MiB")
		}
	}
	require.NoError(b, rows.Err())
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	b.ReportMetric(float64(usage.Maxrss)/1024, "process-MiB") // Linux counts in KiB
}

// BenchmarkDynamo times the store with an emulator, which takes most of the time.
func BenchmarkDynamo(b *testing.B) {
	store := newDynamo(b)
	new(storebench.Suite).Identity(b, store)
	new(storebench.Suite).Grants(b, store)
}

func BenchmarkImport(b *testing.B) {
	const customers = 5000
	table := customersTable(customers)
	rows := float64(strings.Count(table, "\n") - 1)
	for name, create := range map[string]newDatabase{"SQLite": newSQLite, "PostgreSQL": newPostgres} {
		for way, wrap := range map[string]func(identity.Store) identity.Store{
			"AddFacts": func(store identity.Store) identity.Store { return store },
			"AddFact":  func(store identity.Store) identity.Store { return struct{ identity.Store }{store} },
		} {
			b.Run(name+"/"+way, func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					store := wrap(create(b).store(b))
					b.StartTimer()
					require.NoError(b, (&transfer.Import{SkillID: skill}).Customers(b.Context(), store, strings.NewReader(table)))
				}
				b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}
