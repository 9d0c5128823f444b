package smartprops_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/smartprops"
)

func TestTopicPolicyStatement(t *testing.T) {
	got, err := smartprops.TopicPolicyStatement(topic)
	require.NoError(t, err)
	require.JSONEq(t, `{"Sid": "grant-alexa-event-sns-publish", "Effect": "Allow", "Action": "sns:Publish", "Resource": "`+topic+`",
		"Principal": {"AWS": ["arn:aws:iam::006860194444:role/AlexaEventConsumerSnsIamRole"]}}`, string(got))
	again, err := smartprops.TopicPolicyStatement(topic)
	require.NoError(t, err)
	require.Equal(t, string(got), string(again))
	for _, arn := range []string{"", "*", "arn:aws:sns:us-east-1:000011112222:*", topic + "\n", "arn:aws:sqs:us-east-1:000011112222:topic"} {
		_, err := smartprops.TopicPolicyStatement(arn)
		var invalid *alexaevents.InvalidError
		require.ErrorAs(t, err, &invalid, arn)
		require.Equal(t, "topicARN", invalid.Field)
	}
}
