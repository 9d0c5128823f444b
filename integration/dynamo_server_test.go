package integration

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// dynamoName is the environment variable that names a DynamoDB to test on: the
// URL of an emulator, where anybody may make tables.
const dynamoName = "ALEXAEVENTS_DYNAMODB"

// errNoDynamo says that there is neither an endpoint nor an emulator.
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
