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
	wait := 50 * time.Millisecond
	for range batch {
		output, err := s.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: undone})
		if err != nil {
			return err
		}
		if undone = output.UnprocessedItems; len(undone) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait/2 + rand.N(wait)): //nolint:gosec // jitter keeps no secret
		}
		wait = min(2*wait, time.Second)
	}
	return errors.New("DynamoDB leaves the same writes undone again and again")
}
