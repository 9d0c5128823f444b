package integration

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// ledger records the events that a backend on one database got and acknowledged.
type ledger struct {
	database     database
	events       []sentEvent
	sent         map[identity.Fact]bool
	acknowledged map[identity.Fact]bool
	unconfirmed  map[identity.Fact]bool // stored, without a response
	inFlight     int                    // deliveries that a kill left without a response
}

func newLedger(d database) *ledger {
	return &ledger{
		database:     d,
		sent:         make(map[identity.Fact]bool),
		acknowledged: make(map[identity.Fact]bool),
		unconfirmed:  make(map[identity.Fact]bool),
	}
}

func (l *ledger) add(events []sentEvent) {
	l.events = append(l.events, events...)
	for _, event := range events {
		l.sent[event.fact] = true
	}
}

// note records a response. Only a kill may leave a delivery without one.
func (l *ledger) note(a response, killed bool) error {
	switch {
	case a.status/100 == 2:
		l.acknowledged[a.event.fact] = true
	case a.status == 0 && killed:
		l.inFlight++
	default:
		return fmt.Errorf("expected an event to be acknowledged, got the status %d", a.status)
	}
	return nil
}

// check expects all acknowledged facts in the database, and none that was not sent.
func (l *ledger) check(ctx context.Context) error {
	if len(l.sent) == 0 {
		return nil // there may be no schema
	}
	db, err := l.database.connect()
	if err != nil {
		return err
	}
	defer db.Close()
	facts, err := storedFacts(ctx, db)
	if err != nil {
		return err
	}
	stored := make(map[identity.Fact]bool)
	for _, fact := range facts {
		stored[fact] = true
		if !l.sent[fact] {
			return fmt.Errorf("a stored fact belongs to no event: %s of %s", fact.Kind, fact.At)
		}
		if !l.acknowledged[fact] {
			l.unconfirmed[fact] = true
		}
	}
	if len(stored) != len(facts) {
		return errors.New("a fact is stored twice")
	}
	for fact := range l.acknowledged {
		if !stored[fact] {
			return fmt.Errorf("an acknowledged event is lost: %s of %s", fact.Kind, fact.At)
		}
	}
	err = checkRecords(ctx, sqlstore.New(db, l.database.Dialect), facts)
	if err == nil {
		return nil
	}
	// PostgreSQL may only now finish a transaction of a killed backend.
	if later, _ := storedFacts(ctx, db); len(later) > len(facts) {
		return l.check(ctx)
	}
	return err
}

// checkRecords compares the records in the store with the records of the facts.
func checkRecords(ctx context.Context, store *sqlstore.Store, facts []identity.Fact) error {
	records := identity.Records(facts)
	for _, accountID := range accountIDs {
		var got []identity.Record
		for record, err := range store.AccountRecords(ctx, accountID) {
			if err != nil {
				return err
			}
			got = append(got, record)
		}
		want := only(records, func(r identity.Record) bool { return r.AccountID == accountID })
		if diff := cmp.Diff(want, got); diff != "" {
			return fmt.Errorf("the records of an account are others than those of its facts: %s", diff)
		}
	}
	return nil
}

// checkTable compares the customer table with the records of all events, once
// all are acknowledged.
func (l *ledger) checkTable(ctx context.Context) error {
	var facts []identity.Fact
	for _, event := range l.events {
		if !l.acknowledged[event.fact] {
			return errors.New("an event was never acknowledged")
		}
		facts = append(facts, event.fact)
	}
	db, err := l.database.connect()
	if err != nil {
		return err
	}
	defer db.Close()
	table, err := viewRows(ctx, db, "")
	if err != nil {
		return err
	}
	if diff := cmp.Diff(rowsOf(facts), table); diff != "" {
		return fmt.Errorf("the customer table is another than that of all events: %s", diff)
	}
	return l.database.intact(ctx, db)
}

// intact checks the file of SQLite, which checks itself.
func (d database) intact(ctx context.Context, db *sql.DB) error {
	if d.Dialect != sqlstore.SQLite {
		return nil
	}
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict == "ok" {
		return err
	}
	return errors.New(verdict)
}

// storedFacts reads the table of facts.
func storedFacts(ctx context.Context, db *sql.DB) (facts []identity.Fact, err error) {
	rows, err := db.QueryContext(ctx, "SELECT skill_id, amazon_user_id, at, kind, account_id FROM alexa_facts")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var fact identity.Fact
		var at int64
		if err := rows.Scan(&fact.SkillID, &fact.AmazonUserID, &at, &fact.Kind, &fact.AccountID); err != nil {
			return nil, err
		}
		fact.At = time.UnixMilli(at).UTC()
		facts = append(facts, fact)
	}
	return facts, rows.Err()
}

// signUp adds the accounts to the backend's own table.
func (l *ledger) signUp(ctx context.Context) error {
	db, err := l.database.connect()
	if err != nil {
		return err
	}
	defer db.Close()
	for _, accountID := range accountIDs {
		if _, err := db.ExecContext(ctx, "INSERT INTO accounts (id) VALUES ($1) ON CONFLICT DO NOTHING", accountID); err != nil {
			return err
		}
	}
	return nil
}
