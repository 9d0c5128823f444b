package sqlstore

import (
	"context"
	"database/sql"
	"iter"
	"time"

	"github.com/alexaevents/alexaevents/identity"
)

// AddFact implements [identity.Store].
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
	_, err := s.exec(ctx, "erase a user", eraseUser, amazonUserID, skillID, int64(identity.Disabled))
	return err
}

const eraseAccount = `
DELETE FROM alexa_facts AS fact
WHERE (amazon_user_id, skill_id) IN (
        SELECT amazon_user_id, skill_id FROM alexa_facts WHERE account_id = (SELECT $1) AND account_id <> '')
    AND (account_id = $1 OR kind <> $2 AND NOT EXISTS (
        SELECT 1 FROM alexa_facts AS other
        WHERE other.amazon_user_id = fact.amazon_user_id AND other.skill_id = fact.skill_id
            AND other.account_id <> '' AND other.account_id <> $1))`

// EraseAccount implements [identity.Store].
func (s *Store) EraseAccount(ctx context.Context, accountID string) error {
	_, err := s.exec(ctx, "erase an account", eraseAccount, accountID, int64(identity.Disabled))
	return err
}

const purge = `
DELETE FROM alexa_facts
WHERE (amazon_user_id, skill_id) IN (
    SELECT amazon_user_id, skill_id FROM alexa_facts
    GROUP BY amazon_user_id, skill_id HAVING max(at) < $1)`

// Purge implements [identity.Store]. It reads the whole table, and other
// writers wait meanwhile.
func (s *Store) Purge(ctx context.Context, before time.Time) error {
	_, err := s.exec(ctx, "purge", purge, before.UnixMilli())
	return err
}
