package integration

import (
	"crypto/rand"
	"database/sql"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/internal/compare"
	"github.com/alexaevents/alexaevents/lwa"
)

// floor does what a store does with the driver alone: it sends the same statements and
// reads the whole result.
type floor interface {
	addFact(b *testing.B, fact identity.Fact)
	userFacts(b *testing.B, amazonUserID string) (facts int)
	grant(b *testing.B, key lwa.Key) (revision string)
	confirm(b *testing.B, key lwa.Key, at time.Time) // an update of a grant
}

// BenchmarkFloor compares the time of a store with that of its floor.
func BenchmarkFloor(b *testing.B) {
	type store interface {
		identity.Store
		lwa.Store
	}
	for name, open := range map[string]func(*testing.B) (floor, store){
		"SQLite": func(b *testing.B) (floor, store) {
			db := newSQLite(b)
			return newSQLFloor(b, db), db.store(b)
		},
		"PostgreSQL": func(b *testing.B) (floor, store) {
			db := newPostgres(b)
			return newSQLFloor(b, db), db.store(b)
		},
		"DynamoDB": func(b *testing.B) (floor, store) {
			store := newDynamo(b)
			return dynamoFloor{newDynamoClient(b), store.Prefix}, store
		},
	} {
		b.Run(name, func(b *testing.B) {
			floor, store := open(b)
			const customers = 1000
			key := func(n int) lwa.Key { return keyOf(fmt.Sprintf("account-%d", n%customers)) }
			user := func(n int) string { return customer(n % customers) }
			for n := range customers {
				require.NoError(b, store.AddFact(b.Context(), enabled(user(n), monday)))
				require.NoError(b, store.AddFact(b.Context(), linked(user(n), key(n).AccountID, monday)))
				require.NoError(b, store.UpdateGrant(b.Context(), key(n), func(g *lwa.Grant) error {
					g.Region, g.AccessToken, g.RefreshToken = alexaevents.Europe, "Atza|example", "Atzr|example"
					g.IssuedAt, g.Expiry, g.CodeHash = monday, monday.Add(time.Hour), fmt.Sprintf("%064d", n)
					return nil
				}))
			}

			b.Run("AddFact", func(b *testing.B) {
				newcomer := func(who string, n int) identity.Fact { return enabled(customer(n)+who, monday) }
				hers, his := rand.Text(), rand.Text()
				compare.Run(b, func(n int) { floor.addFact(b, newcomer(hers, n)) }, func(n int) {
					require.NoError(b, store.AddFact(b.Context(), newcomer(his, n)))
				})
			})
			b.Run("UserRecords", func(b *testing.B) {
				compare.Run(b, func(n int) { require.Equal(b, 2, floor.userFacts(b, user(n))) }, func(n int) {
					require.Len(b, collect(b, store.UserRecords(b.Context(), skill, user(n))), 1)
				})
			})
			b.Run("Grant", func(b *testing.B) {
				compare.Run(b, func(n int) { require.NotEmpty(b, floor.grant(b, key(n))) }, func(n int) {
					grant, err := store.Grant(b.Context(), key(n))
					require.NoError(b, err)
					require.NotEmpty(b, grant.RefreshToken)
				})
			})
			b.Run("UpdateGrant", func(b *testing.B) {
				at := func(n int) time.Time { return monday.Add(time.Duration(n) * time.Millisecond) }
				compare.Run(b, func(n int) { floor.confirm(b, key(n), at(n)) }, func(n int) {
					require.NoError(b, store.UpdateGrant(b.Context(), key(n), func(g *lwa.Grant) error {
						g.ConfirmedAt = at(n)
						return nil
					}))
				})
			})
		})
	}
}

func customer(n int) string { return fmt.Sprintf("amzn1.ask.account.%0180d", n) }

// sqlFloor is database/sql alone, in a database with the tables.
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

// dynamoFloor is the client alone.
type dynamoFloor struct {
	client *dynamodb.Client
	prefix string
}

type attributes = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func (f dynamoFloor) addFact(b *testing.B, fact identity.Fact) {
	_, err := f.client.PutItem(b.Context(), &dynamodb.PutItemInput{
		TableName: aws.String(f.prefix + "facts"),
		Item: attributes{
			"AmazonUserID": text(fact.AmazonUserID), "SkillFact": text(fact.SkillID + "\x00" + fact.AmazonUserID[:32]),
			"At": number(fact.At.UnixMilli()), "Kind": number(int64(fact.Kind)),
		},
		ConditionExpression: aws.String("attribute_not_exists(AmazonUserID)"),
	})
	require.NoError(b, err)
}

func (f dynamoFloor) userFacts(b *testing.B, amazonUserID string) (facts int) {
	output, err := f.client.Query(b.Context(), &dynamodb.QueryInput{
		TableName:                 aws.String(f.prefix + "facts"),
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("AmazonUserID = :user AND begins_with(SkillFact, :skill)"),
		ExpressionAttributeValues: attributes{":user": text(amazonUserID), ":skill": text(skill + "\x00")},
	})
	require.NoError(b, err)
	return len(output.Items)
}

func grantKey(key lwa.Key) attributes {
	return attributes{"AccountID": text(key.AccountID), "ClientLink": text(key.ClientID + "\x00" + key.LinkID)}
}

func (f dynamoFloor) grant(b *testing.B, key lwa.Key) (revision string) {
	output, err := f.client.GetItem(b.Context(), &dynamodb.GetItemInput{
		TableName: aws.String(f.prefix + "grants"), ConsistentRead: aws.Bool(true), Key: grantKey(key),
	})
	require.NoError(b, err)
	return output.Item["Revision"].(*types.AttributeValueMemberS).Value
}

func (f dynamoFloor) confirm(b *testing.B, key lwa.Key, at time.Time) {
	before := f.grant(b, key)
	item := grantKey(key)
	for name, value := range map[string]string{
		"Region": "EU", "AccessToken": "Atza|example", "RefreshToken": "Atzr|example", "CodeHash": "hash", "Revision": before[1:] + before[:1],
	} {
		item[name] = text(value)
	}
	item["IssuedAt"], item["Expiry"], item["ConfirmedAt"] = number(monday.UnixMilli()), number(monday.UnixMilli()), number(at.UnixMilli())
	_, err := f.client.PutItem(b.Context(), &dynamodb.PutItemInput{
		TableName:                 aws.String(f.prefix + "grants"),
		Item:                      item,
		ConditionExpression:       aws.String("Revision = :before"),
		ExpressionAttributeValues: attributes{":before": text(before)},
	})
	require.NoError(b, err)
}
