package dynamostore

import (
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/alexaevents/alexaevents/lwa"
)

// Grant implements [lwa.Store].
func (s *Store) Grant(ctx context.Context, key lwa.Key) (lwa.Grant, error) {
	grant, revision, err := s.grant(ctx, key)
	switch {
	case err != nil:
		return lwa.Grant{}, wrap("read a grant", err)
	case revision == "":
		return lwa.Grant{}, lwa.ErrNoGrant
	}
	return grant, nil
}

// grant returns the grant of the key and its revision. If there is none, it has
// nothing but the key, and the revision is empty.
func (s *Store) grant(ctx context.Context, key lwa.Key) (grant lwa.Grant, revision string, err error) {
	grant.Key = key
	if err := s.ready(ctx); err != nil || !keepableKey(key) {
		return grant, "", err
	}
	if err := checkLength(key); err != nil {
		return grant, "", err
	}
	output, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      s.tableName(grantsTable),
		ConsistentRead: aws.Bool(true),
		Key:            grantKey(key),
	})
	if err != nil || len(output.Item) == 0 {
		return grant, "", err
	}
	var item grantItem
	err = attributevalue.UnmarshalMap(output.Item, &item)
	return item.grant(), item.Revision, err
}

// keepableKey tells whether there can be a grant of the key, as keepable does of a
// fact.
func keepableKey(key lwa.Key) bool {
	_, err := lwa.Grant{Key: key}.Clean()
	return err == nil
}

// What DynamoDB allows of a partition key and of a sort key, in bytes:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	maxAccountID = 2048
	maxLink      = 1024 - len("\x00") // of ClientID and LinkID together
)

// checkLength refuses a key that DynamoDB does not keep.
func checkLength(key lwa.Key) error {
	switch {
	case len(key.AccountID) > maxAccountID:
		return fmt.Errorf("%w: AccountID is longer than %d bytes", lwa.ErrInvalidKey, maxAccountID)
	case len(key.ClientID)+len(key.LinkID) > maxLink:
		return fmt.Errorf("%w: ClientID and LinkID are longer than %d bytes together", lwa.ErrInvalidKey, maxLink)
	}
	return nil
}

// AccountGrants implements [lwa.Store].
func (s *Store) AccountGrants(ctx context.Context, clientID, accountID string) iter.Seq2[lwa.Grant, error] {
	first := lwa.Key{ClientID: clientID, AccountID: accountID}
	if !keepableKey(first) {
		return s.nothing(ctx, "read an account's grants")
	}
	if err := checkLength(first); err != nil {
		return func(yield func(lwa.Grant, error) bool) { yield(lwa.Grant{}, wrap("read an account's grants", err)) }
	}
	items := query[grantItem](ctx, s, &dynamodb.QueryInput{
		TableName:                 s.tableName(grantsTable),
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("AccountID = :account AND begins_with(ClientLink, :client)"),
		ExpressionAttributeValues: attributes{":account": text(accountID), ":client": text(clientLink(first))},
	})
	return convert("read an account's grants", items, grantItem.grant)
}

// Grants yields every grant, of all clients and accounts. It reads the whole
// table, a page at a time. What is changed meanwhile is among them as it was or
// as it is.
func (s *Store) Grants(ctx context.Context) iter.Seq2[lwa.Grant, error] {
	all := scan[grantItem](ctx, s, &dynamodb.ScanInput{TableName: s.tableName(grantsTable)})
	return convert("read all grants", all, grantItem.grant)
}

// EndedGrants yields the grants of a client that have Refused or DisabledAt. It
// reads the whole table, as Grants does, and DynamoDB sends these grants alone.
// [lwa.Source.EndedGrants] uses it.
func (s *Store) EndedGrants(ctx context.Context, clientID string) iter.Seq2[lwa.Grant, error] {
	if !keepableKey(lwa.Key{ClientID: clientID, AccountID: "any"}) {
		return s.nothing(ctx, "read ended grants")
	}
	ended := scan[grantItem](ctx, s, &dynamodb.ScanInput{
		TableName:                 s.tableName(grantsTable),
		FilterExpression:          aws.String("begins_with(ClientLink, :client) AND (attribute_exists(Refused) OR attribute_exists(DisabledAt))"),
		ExpressionAttributeValues: attributes{":client": text(clientLink(lwa.Key{ClientID: clientID}))},
	})
	return convert("read ended grants", ended, grantItem.grant)
}

// nothing yields no grant, and an error if the store is of no use.
func (s *Store) nothing(ctx context.Context, task string) iter.Seq2[lwa.Grant, error] {
	return func(yield func(lwa.Grant, error) bool) {
		if err := s.ready(ctx); err != nil {
			yield(lwa.Grant{}, wrap(task, err))
		}
	}
}

// UpdateGrant implements [lwa.Store]. It reads, and writes on the condition that
// what it read is still there. If not, it waits for a moment and starts again.
func (s *Store) UpdateGrant(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	return wrap("update a grant", s.updateGrant(ctx, key, fn))
}

func (s *Store) updateGrant(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	var written string // the revision that the last try meant to store, empty for no grant
	waited := backoff{first: 10 * time.Millisecond, longest: time.Second}
	for tries := 0; ; tries++ {
		grant, revision, err := s.grant(ctx, key)
		if err != nil {
			return err
		}
		// The client sends a request again if its answer was lost. The condition fails
		// then because the first one had done it.
		if tries > 0 && revision == written {
			return nil
		}
		if err := fn(&grant); err != nil {
			return err
		}
		grant.Key = key
		if grant, err = grant.Clean(); err != nil {
			return err
		}
		written = ""
		if grant.RefreshToken != "" {
			written = rand.Text()
		}
		if done, err := s.replace(ctx, revision, grant, written); done || err != nil {
			return err
		}
		if err := waited.wait(ctx); err != nil {
			return err
		}
	}
}

// replace stores the grant with the revision next in place of the one that has
// the revision before, and tells whether that was still there.
func (s *Store) replace(ctx context.Context, before string, grant lwa.Grant, next string) (done bool, err error) {
	unchanged := condition{"Revision = :before", attributes{":before": text(before)}}
	if before == "" {
		unchanged = condition{expression: "attribute_not_exists(Revision)"}
	}
	switch {
	case next != "":
		return s.put(ctx, grantsTable, grantItemOf(grant, next), unchanged)
	case before != "":
		return s.remove(ctx, grantsTable, grantKey(grant.Key), unchanged)
	}
	return true, nil // there is no grant and none is to be
}

// EraseGrants implements [lwa.Store]. After an error, do it again. A grant that
// is given anew meanwhile may be deleted too.
func (s *Store) EraseGrants(ctx context.Context, accountID string) error {
	return wrap("erase an account's grants", s.eraseGrants(ctx, accountID))
}

func (s *Store) eraseGrants(ctx context.Context, accountID string) error {
	if !keepableKey(lwa.Key{ClientID: "any", AccountID: accountID}) {
		return s.ready(ctx)
	}
	if err := checkLength(lwa.Key{AccountID: accountID}); err != nil {
		return err
	}
	var requests []types.WriteRequest
	for item, err := range query[grantItem](ctx, s, &dynamodb.QueryInput{
		TableName:                 s.tableName(grantsTable),
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("AccountID = :account"),
		ProjectionExpression:      aws.String("AccountID, ClientLink"),
		ExpressionAttributeValues: attributes{":account": text(accountID)},
	}) {
		if err != nil {
			return err
		}
		requests = append(requests, deleteRequest(grantKey(item.grant().Key)))
	}
	return s.write(ctx, grantsTable, requests)
}
