package dynamostore

import (
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/alexaevents/alexaevents"
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

// grant returns the grant of the key and its revision. If there is none, the grant has
// only its key, and the revision is empty.
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

// keepableKey reports whether a grant can have the key.
func keepableKey(key lwa.Key) bool {
	_, err := lwa.Grant{Key: key}.Clean()
	return err == nil
}

// DynamoDB's limits of a partition key and a sort key, in bytes:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	maxAccountID = 2048
	maxLink      = 1024 - len("\x00") // ClientID and LinkID together
)

// checkLength returns an error for a key that is too long for DynamoDB.
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

// Grants yields every grant in the store. It reads the whole table, one page at a time.
// A grant that changes while the loop runs comes in its old or its new state.
func (s *Store) Grants(ctx context.Context) iter.Seq2[lwa.Grant, error] {
	all := scan[grantItem](ctx, s, &dynamodb.ScanInput{TableName: s.tableName(grantsTable)})
	return convert("read all grants", all, grantItem.grant)
}

// EndedGrants yields the grants of a client that have Refused or DisabledAt. DynamoDB
// reads the whole table for it, as for Grants, and sends only these grants.
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

// nothing yields no grant, or an error if the store is not usable.
func (s *Store) nothing(ctx context.Context, task string) iter.Seq2[lwa.Grant, error] {
	return func(yield func(lwa.Grant, error) bool) {
		if err := s.ready(ctx); err != nil {
			yield(lwa.Grant{}, wrap(task, err))
		}
	}
}

// UpdateGrant implements [lwa.Store]. It reads the grant, and writes it on the condition
// that it has not changed. Otherwise it waits for a moment and starts again.
func (s *Store) UpdateGrant(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	return wrap("update a grant", s.updateGrant(ctx, key, fn))
}

func (s *Store) updateGrant(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	var written string // revision of the last try; empty for a deletion
	waited := backoff{first: 10 * time.Millisecond, longest: time.Second}
	for tries := 0; ; tries++ {
		grant, revision, err := s.grant(ctx, key)
		if err != nil {
			return err
		}
		// The client retries a request whose response was lost. If the first request
		// succeeded, the condition of the retry fails.
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

// replace replaces the grant with the revision before by one with the revision next, and
// reports whether the stored revision was still the same.
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
	return true, nil // nothing is stored, and nothing is to be stored
}

// EraseGrants implements [lwa.Store]. After an error, call it again. It may also delete
// a grant that is stored at the same time.
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

// grantItem is the item of a grant. The account is the partition key. The sort key begins
// with the client, so the grants of a client are together, sorted by link.
//
// The revision changes with each update. A write on the condition of the revision
// replaces exactly what was read.
type grantItem struct {
	AccountID    string
	ClientLink   string // client ID, NUL, link ID
	Region       string `dynamodbav:",omitempty"`
	AccessToken  string `dynamodbav:",omitempty"`
	RefreshToken string
	IssuedAt     *int64 `dynamodbav:",omitempty"` // milliseconds since 1970-01-01T00:00:00Z, like all times here
	Expiry       *int64 `dynamodbav:",omitempty"`
	ConfirmedAt  *int64 `dynamodbav:",omitempty"`
	RefusedAt    *int64 `dynamodbav:",omitempty"`
	DisabledAt   *int64 `dynamodbav:",omitempty"`
	ProbedAt     *int64 `dynamodbav:",omitempty"`
	Refused      string `dynamodbav:",omitempty"`
	CodeHash     string `dynamodbav:",omitempty"`
	Revision     string
}

func clientLink(key lwa.Key) string { return key.ClientID + "\x00" + key.LinkID }

func grantKey(key lwa.Key) attributes {
	return attributes{"AccountID": text(key.AccountID), "ClientLink": text(clientLink(key))}
}

func grantItemOf(g lwa.Grant, revision string) grantItem {
	return grantItem{
		AccountID:    g.AccountID,
		ClientLink:   clientLink(g.Key),
		Region:       string(g.Region),
		AccessToken:  string(g.AccessToken),
		RefreshToken: string(g.RefreshToken),
		IssuedAt:     toMillis(g.IssuedAt),
		Expiry:       toMillis(g.Expiry),
		ConfirmedAt:  toMillis(g.ConfirmedAt),
		RefusedAt:    toMillis(g.RefusedAt),
		DisabledAt:   toMillis(g.DisabledAt),
		ProbedAt:     toMillis(g.ProbedAt),
		Refused:      g.Refused,
		CodeHash:     g.CodeHash,
		Revision:     revision,
	}
}

func (i grantItem) grant() lwa.Grant {
	clientID, linkID, _ := strings.Cut(i.ClientLink, "\x00")
	return lwa.Grant{
		Key:          lwa.Key{ClientID: clientID, AccountID: i.AccountID, LinkID: linkID},
		Region:       alexaevents.Region(i.Region),
		AccessToken:  alexaevents.Secret(i.AccessToken),
		RefreshToken: alexaevents.Secret(i.RefreshToken),
		IssuedAt:     fromMillis(i.IssuedAt),
		Expiry:       fromMillis(i.Expiry),
		ConfirmedAt:  fromMillis(i.ConfirmedAt),
		RefusedAt:    fromMillis(i.RefusedAt),
		DisabledAt:   fromMillis(i.DisabledAt),
		ProbedAt:     fromMillis(i.ProbedAt),
		Refused:      i.Refused,
		CodeHash:     i.CodeHash,
	}
}

// toMillis returns nil for the zero time.
func toMillis(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	n := t.UnixMilli()
	return &n
}

func fromMillis(n *int64) time.Time {
	if n == nil {
		return time.Time{}
	}
	return time.UnixMilli(*n).UTC()
}
