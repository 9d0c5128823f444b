package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

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
