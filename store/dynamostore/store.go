package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
)

// Store stores facts and grants in DynamoDB. It implements [identity.Store] and
// [lwa.Store]. Any number of Stores, in any number of processes, may share the tables. Its
// errors wrap those of the client and contain no user or account ID.
type Store struct {
	// Prefix begins the name of each table. Stores with different prefixes share no
	// data, such as those of a skill's development and live stages. It has at most 200
	// letters, digits, underscores, hyphens and dots. Set it before the first call.
	// Empty means "alexa_".
	Prefix string

	client *dynamodb.Client
}

var (
	_ identity.Store = (*Store)(nil)
	_ lwa.Store      = (*Store)(nil)
)

// New returns the store in the tables of the client's AWS account and region. Create them
// with [Store.CreateTables] or CloudFormation.
func New(client *dynamodb.Client) *Store { return &Store{client: client} }

var validPrefix = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,200}$`)

// ready returns an error if a field of the store is invalid or the context has ended.
func (s *Store) ready(ctx context.Context) error {
	switch {
	case s.client == nil:
		return errors.New("New was called with a nil *dynamodb.Client")
	case s.Prefix != "" && !validPrefix.MatchString(s.Prefix):
		return errors.New("invalid Prefix: it must have at most 200 of the characters A to Z, a to z, 0 to 9, _, . and -")
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

const (
	factsTable   = "facts"
	accountIndex = "AccountID" // index of the facts
	grantsTable  = "grants"
)

// tables returns the requests that create the tables, as cloudformation.yaml does.
func (s *Store) tables() []*dynamodb.CreateTableInput {
	return []*dynamodb.CreateTableInput{
		{
			TableName:            s.tableName(factsTable),
			AttributeDefinitions: texts("AmazonUserID", "SkillFact", "AccountID"),
			KeySchema:            keys("AmazonUserID", "SkillFact"),
			GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
				IndexName:  aws.String(accountIndex),
				KeySchema:  keys("AccountID", "AmazonUserID"),
				Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}, // the table's keys too
			}},
			BillingMode: types.BillingModePayPerRequest,
		},
		{
			TableName:            s.tableName(grantsTable),
			AttributeDefinitions: texts("AccountID", "ClientLink"),
			KeySchema:            keys("AccountID", "ClientLink"),
			BillingMode:          types.BillingModePayPerRequest,
		},
	}
}

func texts(names ...string) (definitions []types.AttributeDefinition) {
	for _, name := range names {
		definitions = append(definitions, types.AttributeDefinition{
			AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS,
		})
	}
	return definitions
}

func keys(partition, sort string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: aws.String(partition), KeyType: types.KeyTypeHash},
		{AttributeName: aws.String(sort), KeyType: types.KeyTypeRange},
	}
}

// CreateTables creates the missing tables, with on-demand capacity, and waits up to five
// minutes for each to become active. It does not change an existing table. While a table
// is being deleted, CreateTables fails.
func (s *Store) CreateTables(ctx context.Context) error {
	return wrap("create the tables", s.createTables(ctx))
}

func (s *Store) createTables(ctx context.Context) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	for _, table := range s.tables() {
		_, err := s.client.CreateTable(ctx, table)
		if _, exists := errors.AsType[*types.ResourceInUseException](err); err != nil && !exists {
			return err
		}
	}
	waiter := dynamodb.NewTableExistsWaiter(s.client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 100*time.Millisecond, 5*time.Second
	})
	for _, table := range s.tables() {
		if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: table.TableName}, 5*time.Minute); err != nil {
			return fmt.Errorf("%s: %w", *table.TableName, err)
		}
	}
	return nil
}
