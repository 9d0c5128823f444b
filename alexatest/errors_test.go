package alexatest_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
)

func TestTry(t *testing.T) {
	cloud := alexatest.NewCloud()
	for name, test := range map[string]struct {
		input func()
		want  string
	}{
		"region":  {func() { cloud.Grant("XX", "anna") }, "alexatest: unknown region: XX"},
		"consent": {func() { cloud.Consent("https://example.com/", "anna") }, "alexatest: not Amazon's authorization URL: https://example.com/"},
		"topic":   {func() { cloud.SetTopic(alexatest.Topic{ARN: "news"}) }, "alexatest: not the ARN of an SNS topic: news"},
		"publish": {func() { cloud.Publish(topicARN, nil) }, "alexatest: the topic does not exist: " + topicARN},
		"event":   {func() { cloud.NotifyDevelopers(alexatest.DevelopmentEvent{Name: "Update"}) }, "alexatest: unknown event: Update"},
		"type":    {func() { cloud.NotifyProperties(alexatest.PropertyEvent{Type: "Failure"}) }, "alexatest: not an event type: Failure"},
		"fault":   {func() { cloud.Fail(alexatest.Fault{Code: "X"}) }, "alexatest: a fault with Code, Header or Body needs a Status"},
		"URL":     {func() { cloud.NewRequest("http://[", nil) }, `alexatest: parse "http://[": missing ']' in host`},
		"age":     {func() { cloud.Age(-1) }, "alexatest: nothing grows younger"},
	} {
		var wrong *alexatest.InputError
		require.ErrorAs(t, alexatest.Try(test.input), &wrong, name)
		require.EqualError(t, wrong, test.want, name)
	}
	require.NoError(t, alexatest.Try(func() { cloud.Grant(alexaevents.Europe, "anna") }), "the lock is free")
	other := errors.New("other")
	require.PanicsWithValue(t, other, func() { _ = alexatest.Try(func() { panic(other) }) })
}
