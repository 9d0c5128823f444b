package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/alexaevents/alexaevents/internal/sqldb"
	"github.com/alexaevents/alexaevents/lwa"
)

// versioned is a grant with its revision, which changes with each update. A write on
// the condition of the revision replaces exactly what was read. The revision is 0 if
// there is no grant.
type versioned struct {
	lwa.Grant
	revision int64
}

const selectGrants = `
SELECT region, access_token, refresh_token, issued_at, expiry, confirmed_at, refused, code_hash, revision,
    refused_at, disabled_at, probed_at, ended_revision, account_id, client_id, link_id
FROM alexa_grants `

const (
	oneGrant      = selectGrants + `WHERE account_id = $1 AND client_id = $2 AND link_id = $3`
	accountGrants = selectGrants + `WHERE account_id = $1 AND client_id = $2 ORDER BY link_id`
)

func scanGrant(rows *sql.Rows) (g versioned, err error) {
	var issuedAt, expiry, confirmedAt, refusedAt, disabledAt, probedAt, endedRevision sql.NullInt64
	err = rows.Scan(&g.Region, &g.AccessToken, &g.RefreshToken, &issuedAt, &expiry, &confirmedAt, &g.Refused, &g.CodeHash, &g.revision,
		&refusedAt, &disabledAt, &probedAt, &endedRevision, &g.AccountID, &g.ClientID, &g.LinkID)
	g.IssuedAt, g.Expiry, g.ConfirmedAt = fromMillis(issuedAt), fromMillis(expiry), fromMillis(confirmedAt)
	if endedRevision.Int64 == g.revision { // otherwise a program of version 1 has written the grant since
		g.RefusedAt, g.DisabledAt, g.ProbedAt = fromMillis(refusedAt), fromMillis(disabledAt), fromMillis(probedAt)
	}
	return g, err
}

// Grant implements [lwa.Store].
func (s *Store) Grant(ctx context.Context, key lwa.Key) (lwa.Grant, error) {
	g, err := s.grant(ctx, key)
	if err == nil && g.revision == 0 {
		err = lwa.ErrNoGrant
	}
	if err != nil {
		return lwa.Grant{}, err
	}
	return g.Grant, nil
}

// grant returns the grant of the key, or a grant with only its key if there is none.
func (s *Store) grant(ctx context.Context, key lwa.Key) (versioned, error) {
	found, err := read(ctx, s, "read a grant", scanGrant, oneGrant, key.AccountID, key.ClientID, key.LinkID)
	if err != nil || len(found) == 0 {
		return versioned{Grant: lwa.Grant{Key: key}}, err
	}
	return found[0], nil
}

// AccountGrants implements [lwa.Store].
func (s *Store) AccountGrants(ctx context.Context, clientID, accountID string) iter.Seq2[lwa.Grant, error] {
	return func(yield func(lwa.Grant, error) bool) {
		grants, err := read(ctx, s, "read an account's grants", scanGrant, accountGrants, accountID, clientID)
		if err != nil {
			yield(lwa.Grant{}, err)
			return
		}
		for _, g := range grants {
			if !yield(g.Grant, nil) {
				return
			}
		}
	}
}

// UpdateGrant implements [lwa.Store]. It reads and writes in two statements, so no
// transaction is open while fn runs. If another caller wrote in between, it waits for a
// moment and starts again.
func (s *Store) UpdateGrant(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	const task = "update a grant"
	waited := sqldb.Backoff{Most: sqldb.Patience / 10}
	for {
		before, err := s.grant(ctx, key)
		if err != nil {
			return err
		}
		after := before.Grant
		if err := fn(&after); err != nil {
			return err
		}
		after.Key = key
		if after, err = after.Clean(); err != nil {
			return wrap(task, err)
		}
		written, err := s.replace(ctx, before, after)
		if sqldb.SQLState(err) == "54000" { // program_limit_exceeded, of an index
			err = fmt.Errorf("%w: its parts are too long: %w", lwa.ErrInvalidKey, err)
		}
		if written || err != nil {
			return wrap(task, err)
		}
		if err := waited.Wait(ctx); err != nil {
			return wrap(task, err)
		}
	}
}

const (
	insertGrant = `
INSERT INTO alexa_grants (
    region, access_token, refresh_token, issued_at, expiry, confirmed_at, refused, code_hash, revision,
    refused_at, disabled_at, probed_at, ended_revision, account_id, client_id, link_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
ON CONFLICT DO NOTHING`

	updateGrant = `
UPDATE alexa_grants
SET region = $1, access_token = $2, refresh_token = $3, issued_at = $4, expiry = $5, confirmed_at = $6,
    refused = $7, code_hash = $8, revision = $9, refused_at = $10, disabled_at = $11, probed_at = $12, ended_revision = $13
WHERE account_id = $14 AND client_id = $15 AND link_id = $16 AND revision = $17`

	deleteGrant = `
DELETE FROM alexa_grants
WHERE account_id = $1 AND client_id = $2 AND link_id = $3 AND revision = $4`
)

// replace writes the grant, unless it was changed since before was read.
func (s *Store) replace(ctx context.Context, before versioned, after lwa.Grant) (written bool, err error) {
	revision := 1 + rand.Int64N(1<<62) //nolint:gosec // a revision is not secret
	values := []any{
		string(after.Region), string(after.AccessToken), string(after.RefreshToken),
		toMillis(after.IssuedAt), toMillis(after.Expiry), toMillis(after.ConfirmedAt),
		after.Refused, after.CodeHash, revision,
		toMillis(after.RefusedAt), toMillis(after.DisabledAt), toMillis(after.ProbedAt), revision,
	}
	key := []any{after.AccountID, after.ClientID, after.LinkID}
	var changed int64
	switch stored, keep := before.revision != 0, after.RefreshToken != ""; {
	case stored && keep:
		changed, err = s.write(ctx, nil, updateGrant, append(append(values, key...), before.revision)...)
	case stored:
		changed, err = s.write(ctx, nil, deleteGrant, append(key, before.revision)...)
	case keep:
		changed, err = s.write(ctx, nil, insertGrant, append(values, key...)...)
	default:
		return true, nil // nothing is stored, and nothing is to be stored
	}
	return changed == 1, err
}

const eraseGrants = `DELETE FROM alexa_grants WHERE account_id = $1`

// EraseGrants implements [lwa.Store].
func (s *Store) EraseGrants(ctx context.Context, accountID string) error {
	_, err := s.write(ctx, nil, eraseGrants, accountID)
	return wrap("erase an account's grants", err)
}

// toMillis is a time as it is stored; none is NULL.
func toMillis(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: !t.IsZero()}
}

func fromMillis(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMilli(n.Int64).UTC()
}

const pageOfGrants = selectGrants + `
WHERE (account_id, client_id, link_id) > ($1, $2, $3)
ORDER BY account_id, client_id, link_id LIMIT $4`

// Grants yields every grant in the store, sorted by account, client and link. It
// reads them as [Store.Facts] does.
func (s *Store) Grants(ctx context.Context) iter.Seq2[lwa.Grant, error] {
	return all(ctx, s, "read all grants", scanOnlyGrant, pageOfGrants, func(last lwa.Grant) []any {
		return []any{last.AccountID, last.ClientID, last.LinkID}
	})
}

const pageOfEndedGrants = selectGrants + `
WHERE client_id = $1 AND (refused <> '' OR disabled_at IS NOT NULL) AND (account_id, link_id) > ($2, $3)
    AND (refused <> '' OR ended_revision = revision)
ORDER BY account_id, link_id LIMIT $4`

// EndedGrants yields the grants of a client that have Refused or DisabledAt, sorted
// by account and link. It reads no other grants, and reads them as [Store.Facts] does.
// [lwa.Source.EndedGrants] uses it.
func (s *Store) EndedGrants(ctx context.Context, clientID string) iter.Seq2[lwa.Grant, error] {
	return all(ctx, s, "read ended grants", scanOnlyGrant, pageOfEndedGrants, func(last lwa.Grant) []any {
		return []any{clientID, last.AccountID, last.LinkID}
	})
}

func scanOnlyGrant(rows *sql.Rows) (lwa.Grant, error) {
	g, err := scanGrant(rows)
	return g.Grant, err
}
