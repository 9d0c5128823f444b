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
