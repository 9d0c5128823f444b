package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/dynamostore"
)

// doer is a client of HTTP.
type doer func(*http.Request) (*http.Response, error)

func (do doer) Do(r *http.Request) (*http.Response, error) { return do(r) }

// through makes the client send its requests through the function.
func through(do doer) func(*dynamodb.Options) {
	return func(o *dynamodb.Options) {
		o.HTTPClient = do
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
	}
}

// isOperation reports whether the request is for one of these operations.
func isOperation(r *http.Request, names ...string) bool {
	_, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return slices.Contains(names, name)
}

var errLost = errors.New("the response is lost")

// The client retries a write whose response was lost, and the condition of the retry
// fails. The write happened once, unless another write followed it.
func TestDynamoLostResponses(t *testing.T) {
	t.Parallel()
	var lost atomic.Int64
	store := newDynamo(t, through(func(r *http.Request) (*http.Response, error) {
		response, err := http.DefaultClient.Do(r)
		if err == nil && isOperation(r, "PutItem", "DeleteItem") && response.StatusCode == http.StatusOK && lost.Add(1)%2 == 1 {
			response.Body.Close()
			return nil, errLost
		}
		return response, err
	}))

	for range 2 {
		require.NoError(t, store.AddFact(t.Context(), linked(user, account, monday)))
	}
	require.Len(t, collect(t, store.UserRecords(t.Context(), skill, user)), 1)

	const updates = 20
	runs := 0
	for range updates {
		require.NoError(t, store.UpdateGrant(t.Context(), keyOf(account), func(g *lwa.Grant) error {
			n, _ := strconv.Atoi(string(g.RefreshToken))
			g.RefreshToken = alexaevents.Secret(strconv.Itoa(n + 1))
			runs++
			return nil
		}))
	}
	grant, err := store.Grant(t.Context(), keyOf(account))
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(updates), string(grant.RefreshToken))
	require.Equal(t, updates, runs)

	lost.Store(0)
	require.NoError(t, store.UpdateGrant(t.Context(), keyOf(account), func(g *lwa.Grant) error {
		if g.RefreshToken == "" {
			return errors.New("the grant was deleted before")
		}
		g.RefreshToken = ""
		return nil
	}))
	_, err = store.Grant(t.Context(), keyOf(account))
	require.ErrorIs(t, err, lwa.ErrNoGrant)
	require.Positive(t, lost.Load())
}

// The next erasure erases what a failed one left.
func TestDynamoInterruptedErasure(t *testing.T) {
	t.Parallel()
	const users = 60 // in several batches
	erasures := map[string]func(context.Context, *dynamostore.Store) error{
		"EraseAccount": func(ctx context.Context, s *dynamostore.Store) error { return s.EraseAccount(ctx, account) },
		"Purge":        func(ctx context.Context, s *dynamostore.Store) error { return s.Purge(ctx, monday.AddDate(1, 0, 0)) },
	}
	for name, erase := range erasures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broken := errors.New("broken")
			left := 100 // batches until it breaks
			store := newDynamo(t, through(func(r *http.Request) (*http.Response, error) {
				if isOperation(r, "BatchWriteItem") {
					if left == 0 {
						return nil, broken
					}
					left--
				}
				return http.DefaultClient.Do(r)
			}))
			var facts []identity.Fact
			for n := range users {
				name := fmt.Sprintf("%s-%d", user, n)
				facts = append(facts, enabled(name, monday), linked(name, account, monday))
			}
			require.NoError(t, store.AddFacts(t.Context(), facts))

			failures := 0
			for left = 4; ; left = 4 {
				err := erase(t.Context(), store)
				if err == nil {
					break
				}
				require.ErrorIs(t, err, broken)
				failures++
			}
			require.Positive(t, failures)
			for fact, err := range store.Facts(t.Context()) {
				require.NoError(t, err)
				require.Fail(t, "left behind", "%s", fact.Kind)
			}
		})
	}
}

// The retry of a write must not overwrite the later write of another process, even if
// the first process does not know that its write succeeded.
func TestDynamoOvertaken(t *testing.T) {
	t.Parallel()
	key := keyOf(account)
	cloud := alexatest.NewCloud()
	cloud.RotateRefreshTokens(true)
	address := serveAmazon(t, cloud)
	overtake := func() {}
	slow := newDynamo(t, through(func(r *http.Request) (*http.Response, error) {
		response, err := http.DefaultClient.Do(r)
		if err == nil && isOperation(r, "PutItem") && overtake != nil {
			response.Body.Close()
			next := overtake
			overtake = nil
			next()
			return nil, errLost
		}
		return response, err
	}))
	fast := dynamostore.New(newDynamoClient(t))
	fast.Prefix = slow.Prefix
	var refreshed alexaevents.Secret
	overtake = func() {
		stored, err := fast.Grant(t.Context(), key)
		require.NoError(t, err)
		refreshed, err = sourceAt(address, fast).Renew(t.Context(), key, stored.AccessToken)
		require.NoError(t, err)
	}
	require.NoError(t, grantAgain(t.Context(), sourceAt(address, slow), key))
	require.Nil(t, overtake)
	stored, err := slow.Grant(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, refreshed, stored.AccessToken)
}

// The index of the accounts lags: here it still has a link that is erased.
func TestDynamoStaleIndex(t *testing.T) {
	t.Parallel()
	var stale []byte // first response of the index
	store := newDynamo(t, through(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		response, err := http.DefaultClient.Do(r)
		if err != nil || !bytes.Contains(body, []byte(`"IndexName"`)) {
			return response, err
		}
		defer response.Body.Close()
		if stale == nil {
			stale, err = io.ReadAll(response.Body)
		}
		response.Header.Del("X-Amz-Crc32")
		response.Body = io.NopCloser(bytes.NewReader(stale))
		return response, err
	}))
	require.NoError(t, store.AddFact(t.Context(), linked(user, account, monday)))
	require.Len(t, collect(t, store.AccountRecords(t.Context(), account)), 1)
	require.NoError(t, store.EraseUser(t.Context(), skill, user))
	require.Empty(t, collect(t, store.AccountRecords(t.Context(), account)))
	later := enabled(user, monday.Add(time.Hour))
	require.NoError(t, store.AddFact(t.Context(), later))
	require.NoError(t, store.EraseAccount(t.Context(), account))
	require.Equal(t, identity.Records([]identity.Fact{later}), collect(t, store.UserRecords(t.Context(), skill, user)))
}
