package dynamostore

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// batch is the most that DynamoDB writes in one request.
const batch = 25

func putRequest(item attributes) types.WriteRequest {
	return types.WriteRequest{PutRequest: &types.PutRequest{Item: item}}
}

func deleteRequest(key attributes) types.WriteRequest {
	return types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key}}
}

// write does any number of writes to a table, no two of them to the same item.
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

// writeBatch sends again what DynamoDB has left undone for want of capacity. Each
// request does some of it, or else gives an error, after the client's own tries:
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
	return errors.New("DynamoDB leaves the same writes undone again and again")
}

// backoff is how long a call waits before it tries again: a random time, up to one
// that doubles with each try.
type backoff struct{ first, longest time.Duration }

// wait returns the context's error if that ends first.
func (b *backoff) wait(ctx context.Context) error {
	wait := b.first
	b.first = min(2*b.first, b.longest)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait/2 + rand.N(wait)): //nolint:gosec // jitter keeps no secret
		return nil
	}
}
