package dynamostore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
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
	capacity  int
	throttled bool
	requests  int
	written   map[string]int // how often each item
}

func answer(r *http.Request, status int, body []byte) *http.Response {
	return &http.Response{
		StatusCode: status,
		Header:     http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:       io.NopCloser(bytes.NewReader(body)),
		Request:    r,
	}
}

func (b *busy) Do(r *http.Request) (*http.Response, error) {
	b.requests++
	if b.throttled {
		return answer(r, http.StatusBadRequest, []byte(`{"__type":"ProvisionedThroughputExceededException"}`)), nil
	}
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
	text, err := json.Marshal(map[string]any{"UnprocessedItems": unprocessed})
	return answer(r, http.StatusOK, text), err
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
		require.ErrorContains(t, dynamo.store().AddFacts(t.Context(), manyFacts(1)), "unprocessed")
		require.Equal(t, 25, dynamo.requests)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		require.ErrorIs(t, dynamo.store().AddFacts(ctx, manyFacts(1)), context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(began))
	})
}

// A table without any capacity is an error that the client gives after its own
// tries.
func TestThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dynamo := &busy{throttled: true}
		err := dynamo.store().AddFacts(t.Context(), manyFacts(1))
		require.ErrorContains(t, err, "ProvisionedThroughputExceededException")
		require.Equal(t, 3, dynamo.requests)
	})
}
