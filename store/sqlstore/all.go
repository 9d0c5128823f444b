package sqlstore

import (
	"context"
	"database/sql"
	"iter"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
)

// pageRows is the number of rows of a page of a whole table.
const pageRows = 500

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

// all yields the rows of a table. The query selects the rows after a key; key returns
// that of a row. The zero Row comes before all others.
func all[Row any](ctx context.Context, s *Store, task string, scan func(*sql.Rows) (Row, error), query string, key func(Row) []any) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		var last Row
		for {
			page, err := read(ctx, s, task, scan, query, append(key(last), pageRows)...)
			if err != nil {
				yield(*new(Row), err)
				return
			}
			for _, last = range page {
				if !yield(last, nil) {
					return
				}
			}
			if len(page) < pageRows {
				return
			}
		}
	}
}
