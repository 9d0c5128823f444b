package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"time"

	"github.com/alexaevents/alexaevents/identity"
)

const addFact = `
INSERT INTO alexa_facts (amazon_user_id, skill_id, at, kind, account_id, id)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING`

// AddFact implements [identity.Store].
func (s *Store) AddFact(ctx context.Context, fact identity.Fact) error {
	fact, err := fact.Clean()
	if err != nil {
		return fmt.Errorf("sqlstore: add a fact: %w", err)
	}
	_, err = s.exec(ctx, "add a fact", addFact,
		fact.AmazonUserID, fact.SkillID, fact.At.UnixMilli(), int64(fact.Kind), fact.AccountID, fact.ID())
	return err
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
// record of the account can lie in a fact that does not name it.
const accountFacts = `
SELECT skill_id, amazon_user_id, at, kind, account_id FROM alexa_facts
WHERE (amazon_user_id, skill_id) IN (
    SELECT amazon_user_id, skill_id FROM alexa_facts WHERE account_id = $1 AND account_id <> '')`

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
	return read(ctx, s, task, func(rows *sql.Rows) (fact identity.Fact, err error) {
		var at int64
		err = rows.Scan(&fact.SkillID, &fact.AmazonUserID, &at, &fact.Kind, &fact.AccountID)
		fact.At = time.UnixMilli(at).UTC()
		return fact, err
	}, query, args...)
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
        SELECT amazon_user_id, skill_id FROM alexa_facts WHERE account_id = $1 AND account_id <> '')
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
