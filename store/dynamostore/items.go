package dynamostore

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// attributes are the attributes of an item, or some of them.
type attributes = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// query yields the items of a query, one page at a time.
func query[Item any](ctx context.Context, s *Store, input *dynamodb.QueryInput) iter.Seq2[Item, error] {
	return pages[Item](ctx, s, func(from attributes) ([]attributes, attributes, error) {
		page := *input // several loops may use the same input
		page.ExclusiveStartKey = from
		output, err := s.client.Query(ctx, &page)
		if err != nil {
			return nil, nil, err
		}
		return output.Items, output.LastEvaluatedKey, nil
	})
}

// scan yields the items of a table, one page at a time.
func scan[Item any](ctx context.Context, s *Store, input *dynamodb.ScanInput) iter.Seq2[Item, error] {
	return pages[Item](ctx, s, func(from attributes) ([]attributes, attributes, error) {
		page := *input
		page.ConsistentRead = aws.Bool(true)
		page.ExclusiveStartKey = from
		output, err := s.client.Scan(ctx, &page)
		if err != nil {
			return nil, nil, err
		}
		return output.Items, output.LastEvaluatedKey, nil
	})
}

// pages yields the items of all pages. read returns the page after a key, and the last
// key of that page, which is empty if there is no further page.
func pages[Item any](ctx context.Context, s *Store, read func(from attributes) (items []attributes, last attributes, err error)) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for last := attributes(nil); ; {
			var items []attributes
			err := s.ready(ctx)
			if err == nil {
				items, last, err = read(last)
			}
			if err != nil {
				yield(*new(Item), err)
				return
			}
			for _, from := range items {
				var item Item
				if err := attributevalue.UnmarshalMap(from, &item); err != nil {
					yield(*new(Item), err)
					return
				}
				if !yield(item, nil) {
					return
				}
			}
			if len(last) == 0 {
				return
			}
		}
	}
}

// convert converts the items, and adds the task to an error.
func convert[Item, Value any](task string, items iter.Seq2[Item, error], value func(Item) Value) iter.Seq2[Value, error] {
	return func(yield func(Value, error) bool) {
		for item, err := range items {
			if err != nil {
				yield(*new(Value), wrap(task, err))
				return
			}
			if !yield(value(item), nil) {
				return
			}
		}
	}
}

// condition is a condition on the stored item, without which nothing is written.
type condition struct {
	expression string
	values     attributes
}

// put writes the item if the condition holds, and reports whether it did.
func (s *Store) put(ctx context.Context, table string, item any, when condition) (done bool, err error) {
	if err := s.ready(ctx); err != nil {
		return false, err
	}
	all, err := attributevalue.MarshalMap(item)
	if err != nil {
		return false, err
	}
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                 s.tableName(table),
		Item:                      all,
		ConditionExpression:       aws.String(when.expression),
		ExpressionAttributeValues: when.values,
	})
	return conditionHeld(err)
}

// remove deletes the item of the key if the condition holds, and reports whether it
// did.
func (s *Store) remove(ctx context.Context, table string, key attributes, when condition) (done bool, err error) {
	if err := s.ready(ctx); err != nil {
		return false, err
	}
	_, err = s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:                 s.tableName(table),
		Key:                       key,
		ConditionExpression:       aws.String(when.expression),
		ExpressionAttributeValues: when.values,
	})
	return conditionHeld(err)
}

// conditionHeld reports whether the condition of a write held.
func conditionHeld(err error) (bool, error) {
	if _, failed := errors.AsType[*types.ConditionalCheckFailedException](err); failed {
		return false, nil
	}
	return err == nil, err
}

// batch is DynamoDB's maximum of writes in one request.
const batch = 25

func putRequest(item attributes) types.WriteRequest {
	return types.WriteRequest{PutRequest: &types.PutRequest{Item: item}}
}

func deleteRequest(key attributes) types.WriteRequest {
	return types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key}}
}

// write sends any number of writes to different items of a table.
func (s *Store) write(ctx context.Context, table string, requests []types.WriteRequest) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	for some := range slices.Chunk(requests, batch) {
		if err := s.writeBatch(ctx, map[string][]types.WriteRequest{*s.tableName(table): some}); err != nil {
			return err
		}
	}
	return nil
}

// writeBatch sends the writes, and retries those that DynamoDB left unprocessed for lack
// of capacity. Each request makes progress or fails after the client's own retries:
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
func (s *Store) writeBatch(ctx context.Context, undone map[string][]types.WriteRequest) error {
	waited := backoff{first: 50 * time.Millisecond, longest: time.Second}
	for range batch {
		output, err := s.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: undone})
		if err != nil {
			return err
		}
		if undone = output.UnprocessedItems; len(undone) == 0 {
			return nil
		}
		if err := waited.wait(ctx); err != nil {
			return err
		}
	}
	return errors.New("DynamoDB repeatedly leaves writes unprocessed")
}

// backoff is the time before a retry: random, with a limit that doubles with each
// retry.
type backoff struct{ first, longest time.Duration }

// wait returns the context's error if that ends first.
func (b *backoff) wait(ctx context.Context) error {
	wait := b.first
	b.first = min(2*b.first, b.longest)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait/2 + rand.N(wait)): //nolint:gosec // jitter is not secret
		return nil
	}
}
