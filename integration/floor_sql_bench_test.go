package integration

import (
	"database/sql"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
)

// sqlFloor is database/sql alone, in a database where the tables are.
type sqlFloor struct{ db *sql.DB }

func newSQLFloor(b *testing.B, d database) sqlFloor {
	db := d.open(b)
	d.storeOn(b, db)
	return sqlFloor{db}
}

func (f sqlFloor) addFact(b *testing.B, fact identity.Fact) {
	_, err := f.db.ExecContext(b.Context(), `
		INSERT INTO alexa_facts (amazon_user_id, skill_id, at, kind, account_id, id)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		fact.AmazonUserID, fact.SkillID, fact.At.UnixMilli(), int64(fact.Kind), fact.AccountID, fact.AmazonUserID[:32])
	require.NoError(b, err)
}

func (f sqlFloor) userFacts(b *testing.B, amazonUserID string) (facts int) {
	rows, err := f.db.QueryContext(b.Context(), `
		SELECT skill_id, amazon_user_id, at, kind, account_id FROM alexa_facts
		WHERE amazon_user_id = $1 AND ($2 = '' OR skill_id = $2)`, amazonUserID, skill)
	require.NoError(b, err)
	defer rows.Close()
	for rows.Next() {
		var skillID, amazonUserID, accountID string
		var at, kind int64
		require.NoError(b, rows.Scan(&skillID, &amazonUserID, &at, &kind, &accountID))
		facts++
	}
	require.NoError(b, rows.Err())
	return facts
}

func (f sqlFloor) grant(b *testing.B, key lwa.Key) (revision string) {
	var region, accessToken, refreshToken, refused, codeHash, accountID, clientID, linkID string
	var issuedAt, expiry, confirmedAt sql.NullInt64
	require.NoError(b, f.db.QueryRowContext(b.Context(), `
		SELECT region, access_token, refresh_token, issued_at, expiry, confirmed_at, refused, code_hash, revision,
		    account_id, client_id, link_id
		FROM alexa_grants WHERE account_id = $1 AND client_id = $2 AND link_id = $3`, key.AccountID, key.ClientID, key.LinkID,
	).Scan(&region, &accessToken, &refreshToken, &issuedAt, &expiry, &confirmedAt, &refused, &codeHash, &revision,
		&accountID, &clientID, &linkID))
	return revision
}

func (f sqlFloor) confirm(b *testing.B, key lwa.Key, at time.Time) {
	revision, err := strconv.ParseInt(f.grant(b, key), 10, 64)
	require.NoError(b, err)
	_, err = f.db.ExecContext(b.Context(), `
		UPDATE alexa_grants
		SET region = $1, access_token = $2, refresh_token = $3, issued_at = $4, expiry = $5, confirmed_at = $6,
		    refused = $7, code_hash = $8, revision = $9
		WHERE account_id = $10 AND client_id = $11 AND link_id = $12 AND revision = $13`,
		"EU", "Atza|example", "Atzr|example", monday.UnixMilli(), monday.UnixMilli(), at.UnixMilli(), "", "hash", revision+1,
		key.AccountID, key.ClientID, key.LinkID, revision)
	require.NoError(b, err)
}
