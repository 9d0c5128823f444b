package integration

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/store/dynamostore"
)

// runtimeAPI is the API of AWS Lambda for the process of a function:
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type runtimeAPI struct {
	invocations chan []byte
	outcomes    chan string // the response, or "error: " and the error
}

func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/2018-06-01/runtime/")
	if path == "invocation/next" {
		select {
		case payload := <-a.invocations:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "request")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(10*time.Second).UnixMilli()))
			_, _ = w.Write(payload)
		case <-r.Context().Done():
		}
		return
	}
	body, _ := io.ReadAll(r.Body)
	w.WriteHeader(http.StatusAccepted)
	if strings.HasSuffix(path, "/response") {
		a.outcomes <- string(body)
		return
	}
	a.outcomes <- "error: " + string(body)
}

// invoke invokes the function, as Lambda does.
func (a *runtimeAPI) invoke(t *testing.T, payload []byte) (outcome string) {
	select {
	case a.invocations <- payload:
	case <-time.After(time.Minute):
		require.FailNow(t, "the function does not start")
	}
	select {
	case outcome = <-a.outcomes:
	case <-time.After(time.Minute):
		require.FailNow(t, "the function does not respond")
	}
	return outcome
}

// startLambda starts the program of examples/lambda.
func startLambda(t *testing.T, settings ...string) *runtimeAPI {
	program := filepath.Join(t.TempDir(), "bootstrap")
	output, err := exec.CommandContext(t.Context(), "go", "build", "-C", "../examples", "-tags", "lambda.norpc", "-o", program, "./lambda").CombinedOutput()
	require.NoError(t, err, "%s", output)
	api := &runtimeAPI{invocations: make(chan []byte), outcomes: make(chan string, 1)}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)

	function := exec.CommandContext(t.Context(), program)
	function.Env = append(os.Environ(), settings...)
	function.Env = append(function.Env, "AWS_LAMBDA_RUNTIME_API="+server.Listener.Addr().String())
	function.Stderr = t.Output()
	require.NoError(t, function.Start())
	t.Cleanup(func() { _ = function.Wait() }) // it is killed when the test's context ends
	return api
}

// accountsTable makes the table of a backend's accounts by id, with one account.
func accountsTable(t *testing.T, client *dynamodb.Client, account string) (name string) {
	name = "accounts-" + rand.Text()
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName:            &name,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
	})
	require.NoError(t, err)
	require.NoError(t, dynamodb.NewTableExistsWaiter(client).Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &name}, time.Minute))
	_, err = client.PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: &name,
		Item:      map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: account}},
	})
	require.NoError(t, err)
	return name
}

// A skill without a server: a Lambda function receives its events and keeps the customer
// table in DynamoDB.
func TestLambda(t *testing.T) {
	t.Parallel()
	issuer := startIssuer(t)
	client := newDynamoClient(t)
	store := dynamostore.New(client) // with the usual tables, which stay
	account := rand.Text()
	require.NoError(t, store.CreateTables(t.Context()))
	api := startLambda(t,
		"SKILL_ID="+skill, "ISSUER="+issuer.url, "ACCOUNTS="+accountsTable(t, client, account),
		"AWS_ENDPOINT_URL_DYNAMODB="+dynamoEndpoint(t), "AWS_REGION=eu-west-1",
		"AWS_ACCESS_KEY_ID=emulator", "AWS_SECRET_ACCESS_KEY=emulator",
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_PROFILE=",
	)

	begin := time.Now().Add(-30 * time.Minute).UTC().Truncate(time.Second)
	now := begin
	clock := func() time.Time { return now }
	customer := &alexatest.Customer{SkillID: skill, Now: clock}
	var events [][]byte
	for _, event := range []func() []byte{
		customer.Enable,
		func() []byte { return customer.Link(issuer.accessToken(account, now)) },
		customer.Disable,
	} {
		events = append(events, event())
		now = now.Add(time.Minute)
	}
	for _, event := range alexatest.Deliveries(7, events...) {
		require.JSONEq(t, `{"version":"1.0","response":{}}`, api.invoke(t, event))
	}
	records := collect(t, store.AccountRecords(t.Context(), account))
	require.Len(t, records, 1)
	require.Equal(t, begin, records[0].EnabledAt)
	require.Equal(t, begin.Add(time.Minute), records[0].StartDatetime)
	require.Equal(t, begin.Add(2*time.Minute), records[0].EndDatetime)

	another := &alexatest.Customer{SkillID: skill + "0", Now: clock}
	require.Contains(t, api.invoke(t, another.Enable()), "error: ")
	require.Empty(t, collect(t, store.UserRecords(t.Context(), "", another.UserID())))
}
