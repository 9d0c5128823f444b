package dynamostore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/store/dynamostore"
)

// busy is a DynamoDB that writes batches only, and at most so many items of each.
type busy struct {
	capacity int
	requests int
	written  map[string]int // how often each item
}

func (b *busy) Do(r *http.Request) (*http.Response, error) {
	b.requests++
	var batch struct {
		RequestItems map[string][]struct {
			PutRequest struct {
				Item struct{ SkillFact struct{ S string } }
			}
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &batch); err != nil {
		return nil, err
	}
	items := batch.RequestItems["alexa_facts"]
	undone := min(b.capacity, len(items))
	for _, item := range items[:undone] {
		b.written[item.PutRequest.Item.SkillFact.S]++
	}
	var rest struct {
		RequestItems map[string][]json.RawMessage
	}
	if err := json.Unmarshal(body, &rest); err != nil {
		return nil, err
	}
	unprocessed := map[string][]json.RawMessage{}
	if raw := rest.RequestItems["alexa_facts"][undone:]; len(raw) > 0 {
		unprocessed["alexa_facts"] = raw
	}
	answer, err := json.Marshal(map[string]any{"UnprocessedItems": unprocessed})
	return &http.Response{
		StatusCode: http.StatusOK,
		Header:     http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "Content-Length": {strconv.Itoa(len(answer))}},
		Body:       io.NopCloser(bytes.NewReader(answer)),
		Request:    r,
	}, err
}

func (b *busy) store() *dynamostore.Store {
	b.written = make(map[string]int)
	return dynamostore.New(dynamodb.New(dynamodb.Options{
		Region:     "eu-west-1",
		HTTPClient: b,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, nil
		}),
	}))
}

func manyFacts(n int) (facts []identity.Fact) {
	for i := range n {
		f := fact
		f.At = time.UnixMilli(int64(i))
		facts = append(facts, f)
	}
	return facts
}

func TestUnprocessedItems(t *testing.T) {
	for capacity, requests := range map[int]int{25: 3, 10: 7, 3: 22} {
		synctest.Test(t, func(t *testing.T) {
			dynamo := &busy{capacity: capacity}
			facts := manyFacts(60)
			require.NoError(t, dynamo.store().AddFacts(t.Context(), append(facts, facts...)))
			require.Equal(t, requests, dynamo.requests)
			require.Len(t, dynamo.written, len(facts))
			for _, fact := range facts {
				require.Equal(t, 1, dynamo.written["skill\x00"+fact.ID()])
			}
		})
	}
}

func TestNoCapacity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dynamo := new(busy)
		began := time.Now()
		require.ErrorContains(t, dynamo.store().AddFacts(t.Context(), manyFacts(1)), "capacity")
		require.Equal(t, 10, dynamo.requests)
		require.Less(t, time.Since(began), 90*time.Second)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, dynamo.store().AddFacts(ctx, manyFacts(1)), context.DeadlineExceeded)
	})
}
