package smartprops

import (
	"encoding/json"

	"github.com/alexaevents/alexaevents/internal/rest"
)

const topicRule = "must be the ARN of an SNS topic, arn:aws:sns:us-east-1:123456789012:name"

// TopicPolicyStatement returns a statement, a JSON object, for the access policy of
// the topic. It lets Alexa publish to the topic, as Amazon documents it.
func TopicPolicyStatement(topicARN string) ([]byte, error) {
	if _, _, ok := rest.TopicARN(topicARN); !ok {
		return nil, invalid("topicARN", topicRule)
	}
	return json.MarshalIndent(map[string]any{
		"Sid":       "grant-alexa-event-sns-publish",
		"Effect":    "Allow",
		"Principal": map[string]any{"AWS": []string{"arn:aws:iam::006860194444:role/AlexaEventConsumerSnsIamRole"}},
		"Action":    "sns:Publish",
		"Resource":  topicARN,
	}, "", "  ")
}
