package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
)

// Store keeps facts and grants in DynamoDB. It implements [identity.Store] and
// [lwa.Store]. A Store holds nothing but the client that [New] was given, so any
// number of them, anywhere, may share the tables. Its errors wrap those of the
// client and name no user or account.
type Store struct {
	// Prefix begins the name of each table, in place of "alexa_": stores with
	// different prefixes share nothing, such as those of a skill's development
	// and live stages. It consists of at most 200 letters, digits, underscores,
	// hyphens and dots. It must not change once the store is in use. Empty is
	// "alexa_".
	Prefix string

	client *dynamodb.Client
}

var (
	_ identity.Store = (*Store)(nil)
	_ lwa.Store      = (*Store)(nil)
)

// New returns the store in the tables that are in the client's account and
// region: [Store.CreateTables] or CloudFormation has made them.
func New(client *dynamodb.Client) *Store { return &Store{client: client} }

var validPrefix = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,200}$`)

// ready fails if the fields of the store are of no use, or the context has ended.
func (s *Store) ready(ctx context.Context) error {
	switch {
	case s.client == nil:
		return errors.New("there is no client: New was given nil")
	case s.Prefix != "" && !validPrefix.MatchString(s.Prefix):
		return errors.New("the Prefix has other characters than letters, digits, _, - and ., or more than 200")
	}
	return ctx.Err()
}

// tableName is the name of a table in DynamoDB.
func (s *Store) tableName(table string) *string {
	if s.Prefix == "" {
		return aws.String("alexa_" + table)
	}
	return aws.String(s.Prefix + table)
}

func wrap(task string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("dynamostore: %s: %w", task, err)
}
