package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"iter"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents/identity"
)

// AddFact implements [identity.Store]. If its context ends while the fact is being
// written, the fact may be stored.
func (s *Store) AddFact(ctx context.Context, fact identity.Fact) error {
	return s.AddFacts(ctx, []identity.Fact{fact})
}

const userFacts = `
SELECT skill_id, amazon_user_id, at, kind, account_id FROM alexa_facts
WHERE amazon_user_id = $1 AND ($2 = '' OR skill_id = $2)`

// UserRecords implements [identity.Store].
func (s *Store) UserRecords(ctx context.Context, skillID, amazonUserID string) iter.Seq2[identity.Record, error] {
	return func(yield func(identity.Record, error) bool) {
		facts, err := s.facts(ctx, "read a user's facts", userFacts, amazonUserID, skillID)
		if err != nil {
			yield(identity.Record{}, err)
			return
		}
		for _, record := range identity.Records(facts) {
			if !yield(record, nil) {
				return
			}
		}
	}
}

// accountFacts selects all facts of the account's users, since the end of a
// record of the account can lie in a fact that does not name it. That $1 is in a
// SELECT keeps PostgreSQL from making another plan for each account, which would
// take longer than the query.
const accountFacts = `
SELECT skill_id, amazon_user_id, at, kind, account_id FROM alexa_facts
WHERE (amazon_user_id, skill_id) IN (
    SELECT amazon_user_id, skill_id FROM alexa_facts WHERE account_id = (SELECT $1) AND account_id <> '')`

// AccountRecords implements [identity.Store].
func (s *Store) AccountRecords(ctx context.Context, accountID string) iter.Seq2[identity.Record, error] {
	return func(yield func(identity.Record, error) bool) {
		facts, err := s.facts(ctx, "read an account's facts", accountFacts, accountID)
		if err != nil {
			yield(identity.Record{}, err)
			return
		}
		for _, record := range identity.Records(facts) {
			if record.AccountID == accountID && !yield(record, nil) {
				return
			}
		}
	}
}

func (s *Store) facts(ctx context.Context, task, query string, args ...any) ([]identity.Fact, error) {
	return read(ctx, s, task, scanFact, query, args...)
}

func scanFact(rows *sql.Rows) (fact identity.Fact, err error) {
	var at int64
	err = rows.Scan(&fact.SkillID, &fact.AmazonUserID, &at, &fact.Kind, &fact.AccountID)
	fact.At = time.UnixMilli(at).UTC()
	return fact, err
}

const eraseUser = `
DELETE FROM alexa_facts
WHERE amazon_user_id = $1 AND ($2 = '' OR skill_id = $2) AND kind <> $3`

// EraseUser implements [identity.Store].
func (s *Store) EraseUser(ctx context.Context, skillID, amazonUserID string) error {
	return wrap("erase a user", s.deleteFacts(ctx, eraseUser, amazonUserID, skillID, int64(identity.Disabled)))
}

// takeAccountFacts deletes what accountFacts selects.
const takeAccountFacts = `
DELETE FROM alexa_facts
WHERE (amazon_user_id, skill_id) IN (
    SELECT amazon_user_id, skill_id FROM alexa_facts WHERE account_id = (SELECT $1) AND account_id <> '')
RETURNING skill_id, amazon_user_id, at, kind, account_id`

// EraseAccount implements [identity.Store]. It deletes the facts of all users of
// the account and adds again those that remain, in one transaction.
func (s *Store) EraseAccount(ctx context.Context, accountID string) error {
	if unkeepable([]any{accountID}) {
		return wrap("erase an account", ctx.Err())
	}
	return wrap("erase an account", s.erase(ctx, exclusive, func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, s.named(takeAccountFacts), accountID)
		if err != nil {
			return err
		}
		facts, err := scanAll(rows, scanFact)
		if err != nil {
			return err
		}
		remaining := identity.WithoutAccount(facts, accountID)
		slices.SortFunc(remaining, compareFacts)
		for some := range slices.Chunk(remaining, factsPerStatement) {
			statement, args := insertFacts(some)
			if _, err := tx.ExecContext(ctx, s.named(statement), args...); err != nil {
				return err
			}
		}
		return nil
	}))
}

const purge = `
DELETE FROM alexa_facts
WHERE (amazon_user_id, skill_id) IN (
    SELECT amazon_user_id, skill_id FROM alexa_facts
    GROUP BY amazon_user_id, skill_id HAVING max(at) < $1)`

// Purge implements [identity.Store]. It reads the whole table. In SQLite other
// writers wait meanwhile, in PostgreSQL other erasures of accounts.
func (s *Store) Purge(ctx context.Context, before time.Time) error {
	return wrap("purge", s.deleteFacts(ctx, purge, before.UnixMilli()))
}

// deleteFacts deletes facts that no erasure of an account adds again meanwhile.
func (s *Store) deleteFacts(ctx context.Context, statement string, args ...any) error {
	if unkeepable(args) {
		return ctx.Err()
	}
	return s.erase(ctx, shared, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, s.named(statement), args...)
		return err
	})
}

const pageOfFacts = `
SELECT skill_id, amazon_user_id, at, kind, account_id FROM alexa_facts
WHERE (amazon_user_id, skill_id, at, kind, account_id) > ($1, $2, $3, $4, $5)
ORDER BY amazon_user_id, skill_id, at, kind, account_id LIMIT $6`

// Facts yields every fact in the store, sorted by user, skill and time. It reads one
// page at a time and holds no connection between pages, so the loop may be slow and
// may use the store. A fact that is added or erased while the loop runs may be among
// them or not. An error comes once, alone and last.
func (s *Store) Facts(ctx context.Context) iter.Seq2[identity.Fact, error] {
	return all(ctx, s, "read all facts", scanFact, pageOfFacts, func(last identity.Fact) []any {
		return []any{last.AmazonUserID, last.SkillID, last.At.UnixMilli(), int64(last.Kind), last.AccountID}
	})
}

const (
	// factsPerStatement is a power of two. Larger statements are not faster in
	// PostgreSQL, and slower in SQLite, whose search for a parameter is linear.
	factsPerStatement = 64

	factColumns = 6 // the parameters of each fact in a statement
)

// AddFacts stores facts as AddFact does, in few statements. If a fact is invalid, the
// error is [identity.ErrInvalidFact] and no fact is stored. After any other error some
// of them may be stored; it is safe to add all of them again.
func (s *Store) AddFacts(ctx context.Context, facts []identity.Fact) error {
	sorted := make([]identity.Fact, len(facts))
	for i, fact := range facts {
		var err error
		if sorted[i], err = fact.Clean(); err != nil {
			return fmt.Errorf("sqlstore: add facts: %w", err)
		}
	}
	slices.SortFunc(sorted, compareFacts)
	for some := range slices.Chunk(sorted, factsPerStatement) {
		statement, args := insertFacts(some)
		if _, err := s.write(ctx, some, statement, args...); err != nil {
			return wrap("add facts", err)
		}
	}
	return nil
}

// compareFacts orders facts by their primary key.
func compareFacts(a, b identity.Fact) int {
	return cmp.Or(
		cmp.Compare(a.AmazonUserID, b.AmazonUserID),
		cmp.Compare(a.SkillID, b.SkillID),
		a.At.Compare(b.At),
		cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(a.AccountID, b.AccountID),
	)
}

// insertFacts returns the statement that adds up to factsPerStatement facts. They are
// sorted, since processes that add the same facts in different orders can deadlock in
// PostgreSQL.
func insertFacts(sorted []identity.Fact) (statement string, args []any) {
	// Drivers cache statements, so there are only a few sizes: a repeated fact fills
	// up the last statement.
	for bits.OnesCount(uint(len(sorted))) != 1 {
		sorted = append(slices.Clip(sorted), sorted[0])
	}
	var b strings.Builder
	b.WriteString("INSERT INTO alexa_facts (amazon_user_id, skill_id, at, kind, account_id, id)\nVALUES")
	for i, fact := range sorted {
		if i > 0 {
			b.WriteByte(',')
		}
		first := i*factColumns + 1
		fmt.Fprintf(&b, "\n    ($%d, $%d, $%d, $%d, $%d, $%d)", first, first+1, first+2, first+3, first+4, first+5)
		args = append(args, fact.AmazonUserID, fact.SkillID, fact.At.UnixMilli(), int64(fact.Kind), fact.AccountID, fact.ID())
	}
	b.WriteString("\nON CONFLICT DO NOTHING")
	return b.String(), args
}
