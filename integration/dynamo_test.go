package integration

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/dynamostore"
	"github.com/alexaevents/alexaevents/store/storetest"
)

// newDynamo makes empty tables that last as long as the test, and returns a store
// whose client is changed.
func newDynamo(t testing.TB, change ...func(*dynamodb.Options)) *dynamostore.Store {
	client := newDynamoClient(t)
	store := dynamostore.New(client)
	store.Prefix = rand.Text() + "_"
	require.NoError(t, store.CreateTables(t.Context()))
	t.Cleanup(func() {
		for _, table := range []string{"facts", "grants"} {
			_, err := client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: aws.String(store.Prefix + table)})
			require.NoError(t, err)
		}
	})
	changed := dynamostore.New(newDynamoClient(t, change...))
	changed.Prefix = store.Prefix
	return changed
}

// longDynamoChecks take more than half of the time of all checks: they use more than a
// page of data, or random data.
var longDynamoChecks = []string{"a_large_account", "many_facts_of_one_user", "many_links", "random_updates", "random_histories"}

func TestDynamoConformance(t *testing.T) {
	t.Parallel()
	shorten := func(t *testing.T) {
		if check := path.Base(t.Name()); testing.Short() && slices.Contains(longDynamoChecks, check) {
			t.Skip("a short run leaves out what takes the emulator seconds")
		}
	}
	storetest.Identity(t, func(t *testing.T) identity.Store {
		shorten(t)
		return newDynamo(t)
	})
	storetest.SharedGrants(t, func(t *testing.T) (first, second lwa.Store) { // as two processes have them
		shorten(t)
		store := newDynamo(t)
		other := dynamostore.New(newDynamoClient(t))
		other.Prefix = store.Prefix
		return store, other
	})
}

func TestDynamoCreateTables(t *testing.T) {
	t.Parallel()
	store := newDynamo(t)
	require.NoError(t, store.AddFact(t.Context(), linked(user, account, monday)))
	require.NoError(t, store.CreateTables(t.Context()))
	require.Len(t, collect(t, store.UserRecords(t.Context(), skill, user)), 1)
}

// dynamoName is the environment variable that names a DynamoDB to test on: the
// URL of an emulator, where anyone may create tables.
const dynamoName = "ALEXAEVENTS_DYNAMODB"

// errNoDynamo is the error without an endpoint and an emulator.
var errNoDynamo = errors.New("no DynamoDB: run npm ci in the folder integration/dynalite, or name an endpoint in " + dynamoName)

// dynamo is the emulator that the tests share. The first that needs it starts it.
var dynamo struct {
	once     sync.Once
	endpoint string
	input    io.Closer // the emulator ends when this does, with the process at the latest
	err      error
}

func dynamoEndpoint(t testing.TB) string {
	dynamo.once.Do(func() {
		if dynamo.endpoint = os.Getenv(dynamoName); dynamo.endpoint == "" {
			dynamo.endpoint, dynamo.input, dynamo.err = startDynalite()
		}
	})
	needServer(t, dynamo.err, errNoDynamo)
	return dynamo.endpoint
}

func startDynalite() (endpoint string, input io.Closer, err error) {
	const folder = "dynalite"
	if _, err := os.Stat(folder + "/node_modules"); errors.Is(err, fs.ErrNotExist) {
		return "", nil, errNoDynamo
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return "", nil, errNoDynamo
	}
	command := exec.Command(node, "server.js")
	command.Dir = folder
	command.Stderr = os.Stderr
	if input, err = command.StdinPipe(); err != nil {
		return "", nil, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := command.Start(); err != nil {
		return "", nil, err
	}
	port, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		return "", nil, fmt.Errorf("dynalite does not start: %w", err)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port), input, nil
}

// newDynamoClient returns a client of the emulator.
func newDynamoClient(t testing.TB, change ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamoClient(dynamoEndpoint(t), change...)
}

func dynamoClient(endpoint string, change ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String(endpoint),
		Region:       "eu-west-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "emulator", SecretAccessKey: "emulator"}, nil
		}),
	}, change...)
}

// Concurrent loops over one sequence each get all pages.
func TestDynamoSharedSequence(t *testing.T) {
	t.Parallel()
	store := newDynamo(t)
	facts := make(map[identity.Fact]bool)
	long := strings.Repeat("x", 800)
	for n := range 3000 { // more than two pages
		facts[enabled(fmt.Sprint(n, long), monday)] = true
	}
	require.NoError(t, store.AddFacts(t.Context(), slices.Collect(maps.Keys(facts))))
	sequence := store.Facts(t.Context())
	var loops errgroup.Group
	for range 3 {
		loops.Go(func() error {
			found := make(map[identity.Fact]bool)
			for fact, err := range sequence {
				if err != nil {
					return err
				}
				found[fact] = true
			}
			if !maps.Equal(facts, found) {
				return fmt.Errorf("found %d of %d facts", len(found), len(facts))
			}
			return nil
		})
	}
	require.NoError(t, loops.Wait())
}

// All reads are consistent, except those of the index, which cannot be.
func TestDynamoConsistentReads(t *testing.T) {
	t.Parallel()
	var reads, stale atomic.Int64
	store := newDynamo(t, through(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if isOperation(r, "GetItem", "Query", "Scan") && !bytes.Contains(body, []byte(`"IndexName"`)) {
			reads.Add(1)
			if !bytes.Contains(body, []byte(`"ConsistentRead":true`)) {
				stale.Add(1)
			}
		}
		return http.DefaultClient.Do(r)
	}))
	require.NoError(t, store.AddFact(t.Context(), linked(user, account, monday)))
	require.NoError(t, onlyError(store.UserRecords(t.Context(), "", user)))
	require.NoError(t, onlyError(store.UserRecords(t.Context(), skill, user)))
	require.NoError(t, onlyError(store.AccountRecords(t.Context(), account)))
	require.NoError(t, onlyError(store.Facts(t.Context())))
	require.NoError(t, onlyError(store.AccountGrants(t.Context(), keyOf(account).ClientID, account)))
	require.NoError(t, onlyError(store.Grants(t.Context())))
	require.NoError(t, onlyError(store.EndedGrants(t.Context(), keyOf(account).ClientID)))
	require.NoError(t, store.UpdateGrant(t.Context(), keyOf(account), func(*lwa.Grant) error { return nil }))
	require.NoError(t, store.EraseGrants(t.Context(), account))
	require.NoError(t, store.Purge(t.Context(), monday))
	require.EqualValues(t, 10, reads.Load())
	require.Zero(t, stale.Load())
}

// A context that ends during a request ends the call with its error.
func TestDynamoDeadlines(t *testing.T) {
	t.Parallel()
	store := newDynamo(t)
	for wait := range 100 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(wait)*100*time.Microsecond)
		err := store.UpdateGrant(ctx, keyOf(account), func(g *lwa.Grant) error {
			g.RefreshToken = "Atzr|example"
			return nil
		})
		cancel()
		if err != nil {
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
	}
	require.NoError(t, store.EraseGrants(t.Context(), account))
}

func TestDynamoWithoutTables(t *testing.T) {
	t.Parallel()
	store := dynamostore.New(newDynamoClient(t))
	store.Prefix = "nowhere_"
	fact, key := linked(user, account, monday), keyOf(account)
	_, grantErr := store.Grant(t.Context(), key)
	for name, err := range map[string]error{
		"AddFact":        store.AddFact(t.Context(), fact),
		"AddFacts":       store.AddFacts(t.Context(), []identity.Fact{fact}),
		"Facts":          onlyError(store.Facts(t.Context())),
		"UserRecords":    onlyError(store.UserRecords(t.Context(), skill, user)),
		"AccountRecords": onlyError(store.AccountRecords(t.Context(), account)),
		"EraseUser":      store.EraseUser(t.Context(), skill, user),
		"EraseAccount":   store.EraseAccount(t.Context(), account),
		"Purge":          store.Purge(t.Context(), monday),
		"Grant":          grantErr,
		"Grants":         onlyError(store.Grants(t.Context())),
		"EndedGrants":    onlyError(store.EndedGrants(t.Context(), key.ClientID)),
		"AccountGrants":  onlyError(store.AccountGrants(t.Context(), key.ClientID, account)),
		"UpdateGrant":    store.UpdateGrant(t.Context(), key, func(*lwa.Grant) error { return nil }),
		"EraseGrants":    store.EraseGrants(t.Context(), account),
	} {
		require.ErrorContains(t, err, "dynamostore: ", name)
		require.ErrorContains(t, err, "ResourceNotFoundException", name)
		require.NotContains(t, err.Error(), user)
		require.NotContains(t, err.Error(), account)
	}
}

// The limits of the documentation, except those of the index, which the emulator does
// not check.
func TestDynamoLimits(t *testing.T) {
	t.Parallel()
	store := newDynamo(t)
	text := func(length int) string { return strings.Repeat("x", length) }
	fact := func(skillID, userID, accountID int) error {
		fact := linked(text(userID), text(accountID), monday)
		fact.SkillID = text(skillID)
		err := store.AddFact(t.Context(), fact)
		if err == nil {
			require.Len(t, collect(t, store.UserRecords(t.Context(), fact.SkillID, fact.AmazonUserID)), 1)
			require.Len(t, collect(t, store.AccountRecords(t.Context(), fact.AccountID)), 1)
			require.NoError(t, store.EraseAccount(t.Context(), fact.AccountID))
		}
		return err
	}
	grant := func(clientID, accountID, linkID int) error {
		key := lwa.Key{ClientID: text(clientID), AccountID: text(accountID), LinkID: text(linkID)}
		err := store.UpdateGrant(t.Context(), key, func(g *lwa.Grant) error {
			g.RefreshToken = "Atzr|example"
			return nil
		})
		if err == nil {
			_, err := store.Grant(t.Context(), key)
			require.NoError(t, err)
		}
		return err
	}
	require.NoError(t, fact(991, 1024, 2048))
	require.NoError(t, grant(1, 2048, 1022))
	refused := []error{fact(992, 1024, 2048), fact(991, 2049, 2048)}
	longAccount, longLink := lwa.Key{ClientID: "c", AccountID: text(2049)}, lwa.Key{ClientID: "cc", AccountID: "a", LinkID: text(1022)}
	_, accountErr := store.Grant(t.Context(), longAccount)
	_, linkErr := store.Grant(t.Context(), longLink)
	for _, err := range []error{
		grant(2, 2048, 1022), grant(1, 2049, 1), accountErr, linkErr,
		onlyError(store.AccountGrants(t.Context(), "c", longAccount.AccountID)),
		store.EraseGrants(t.Context(), longAccount.AccountID),
	} {
		require.ErrorIs(t, err, lwa.ErrInvalidKey)
		refused = append(refused, err)
	}
	for _, err := range refused {
		require.ErrorContains(t, err, "dynamostore: ")
		require.NotContains(t, err.Error(), text(100))
	}
}
