package rest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/rest"
)

func TestTopicARN(t *testing.T) {
	for text, want := range map[string]string{
		"arn:aws:sns:us-east-1:000011112222:topic":                       "aws",
		"arn:aws:sns:us-east-1:000011112222:A_b-9.fifo":                  "aws",
		"arn:aws-cn:sns:cn-north-1:000011112222:t":                       "aws-cn",
		"arn:aws-us-gov:sns:us-gov-west-1:000011112222:t":                "aws-us-gov",
		"arn:aws-eusc:sns:eusc-de-east-1:000011112222:t":                 "aws-eusc",
		"arn:aws:sns:us-east-1:000011112222:" + strings.Repeat("x", 256): "aws",
		"arn:aws:sns:us-east-1:000011112222:" + strings.Repeat("x", 257): "",
		"":                                       "",
		"topic":                                  "",
		"arn:aws:sns:us-east-1:000011112222:":    "",
		"arn:aws:sns:us-east-1:000011112222:*":   "",
		"arn:aws:sns:us-east-1:00001111222:t":    "",
		"arn:aws:sns:us-east-1:0000111122223:t":  "",
		"arn:aws:sns::000011112222:t":            "",
		"arn:gcp:sns:us-east-1:000011112222:t":   "",
		"arn:aws:sqs:us-east-1:000011112222:t":   "",
		"arn:aws:sns:us-east-1:000011112222:t:x": "",
		"arn:aws:sns:us-east-1:000011112222:t\n": "",
		"\tarn:aws:sns:us-east-1:000011112222:t": "",
		"arn:aws:sns:us-east-1:000011112222:a.b": "",
	} {
		partition, _, ok := rest.TopicARN(text)
		require.Equal(t, want, partition, text)
		require.Equal(t, want != "", ok, text)
	}
}

func TestIsRoleARN(t *testing.T) {
	for text, want := range map[string]bool{
		"arn:aws:iam::000011112222:role/Role":                true,
		"arn:aws:iam::000011112222:role/service-role/a+b=c@": true,
		"arn:aws-cn:iam::000011112222:role/Role":             true,
		"":                                                   false,
		"Role":                                               false,
		"arn:aws:iam::000011112222:role/":                    false,
		"arn:aws:iam::000011112222:user/Role":                false,
		"arn:aws:iam:us:000011112222:role/R":                 false,
		"arn:aws:sts::000011112222:assumed-role":             false,
		"arn:aws:iam::000011112222:role/R\n":                 false,
		"arn:aws:iam::000011112222:role/*":                   false,
	} {
		require.Equal(t, want, rest.IsRoleARN(text), text)
	}
}

func TestIsFunctionARN(t *testing.T) {
	for text, want := range map[string]bool{
		"arn:aws:lambda:us-east-1:000011112222:function:my-Function_1": true,
		"arn:aws:lambda:us-east-1:000011112222:function:f:live":        true,
		"arn:aws:lambda:us-east-1:000011112222:function:f:7":           true,
		"arn:aws:lambda:us-east-1:000011112222:function:f:$LATEST":     true,
		"":                        false,
		"f":                       false,
		"my-function:live":        false,
		"000011112222:function:f": false,
		"arn:aws:lambda:...":      false,
		"arn:aws:lambda:us-east-1:000011112222:f":                              false,
		"arn:aws:lambda:us-east-1:000011112222:function:":                      false,
		"arn:aws:lambda:us-east-1:000011112222:function:f:":                    false,
		"arn:aws:lambda:us-east-1:000011112222:function:f:a:b":                 false,
		"arn:aws:lambda:us-east-1:000011112222:layer:f":                        false,
		"arn:aws:lambda::000011112222:function:f":                              false,
		"https://example.com/arn:aws:lambda:us-east-1:000011112222:function:f": false,
	} {
		require.Equal(t, want, rest.IsFunctionARN(text), text)
	}
}
