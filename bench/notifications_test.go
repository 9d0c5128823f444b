package bench

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/compare"
	"github.com/alexaevents/alexaevents/sdns"
	"github.com/alexaevents/alexaevents/smartprops"
)

// Parsing a notification, against encoding/json in two phases: the envelope, and
// then the payload by its type.
func BenchmarkParseNotification(b *testing.B) {
	const different = 4096 // so that no decoder gains from seeing a text twice
	for _, test := range []struct {
		name     string
		document func(i int) []byte
		byHand   func([]byte) (any, error)
		parse    func([]byte) (any, error)
	}{
		{
			"sdns", skillPublish, twoPhaseSkillPublish,
			func(data []byte) (any, error) { return sdns.Parse(data) },
		},
		{
			"smartprops", automationCompletion, twoPhaseAutomation,
			func(data []byte) (any, error) { return smartprops.Parse(data) },
		},
	} {
		documents := make([][]byte, different)
		for i := range documents {
			documents[i] = test.document(i)
		}
		run := func(parse func([]byte) (any, error)) func(int) {
			return func(i int) {
				if _, err := parse(documents[i%different]); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.Run(test.name+" against encoding/json two-phase", func(b *testing.B) {
			compare.Run(b, run(test.byHand), run(test.parse))
		})
		b.Run(test.name, func(b *testing.B) {
			measure(b, documents, func(data []byte) error {
				_, err := test.parse(data)
				return err
			})
		})
	}
}

type publishEvent struct {
	RequestID string          `json:"requestId"`
	Timestamp time.Time       `json:"timestamp"`
	EventName string          `json:"eventName"`
	Payload   json.RawMessage `json:"payload"`
	body      struct {
		Status string `json:"status"`
		Actor  struct {
			CustomerID string `json:"customerId"`
		} `json:"actor"`
		Skill struct {
			SkillID  string `json:"skillId"`
			VendorID string `json:"vendorId"`
		} `json:"skill"`
		Subscription struct {
			SubscriptionID string `json:"subscriptionId"`
		} `json:"subscription"`
	}
}

func twoPhaseSkillPublish(data []byte) (any, error) {
	event := new(publishEvent)
	if err := json.Unmarshal(data, event); err != nil {
		return nil, err
	}
	if event.EventName != string(sdns.EventSkillPublish) {
		return nil, fmt.Errorf("unknown event %q", event.EventName)
	}
	return event, json.Unmarshal(event.Payload, &event.body)
}

type automationEvent struct {
	Header struct {
		Version string `json:"version"`
		EventID struct {
			ID string `json:"id"`
		} `json:"eventId"`
		EventType struct {
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
		} `json:"eventType"`
		EventTime struct {
			Timestamp time.Time `json:"timestamp"`
		} `json:"eventTime"`
		Entities struct {
			Unit struct {
				ID string `json:"id"`
			} `json:"unit"`
		} `json:"entities"`
	} `json:"header"`
	Payload json.RawMessage `json:"payload"`
	body    struct {
		Automation struct {
			ID string `json:"id"`
		} `json:"automation"`
		Result struct {
			Status string                       `json:"status"`
			Errors []smartprops.AutomationError `json:"errors"`
		} `json:"result"`
	}
}

func twoPhaseAutomation(data []byte) (any, error) {
	event := new(automationEvent)
	if err := json.Unmarshal(data, event); err != nil {
		return nil, err
	}
	if event.Header.EventType.Name != "Completion" {
		return nil, fmt.Errorf("unknown event %q", event.Header.EventType.Name)
	}
	return event, json.Unmarshal(event.Payload, &event.body)
}

func TestTwoPhaseReadsWhatParseReadsOfNotifications(t *testing.T) {
	parsed, err := sdns.Parse(skillPublish(7))
	require.NoError(t, err)
	other, err := twoPhaseSkillPublish(skillPublish(7))
	require.NoError(t, err)
	e, publish := parsed.Common(), other.(*publishEvent)
	require.Equal(t,
		[]any{e.RequestID, e.Timestamp, string(e.Status), e.CustomerID, e.SkillID, e.VendorID, e.SubscriptionID},
		[]any{
			publish.RequestID, publish.Timestamp, publish.body.Status, publish.body.Actor.CustomerID,
			publish.body.Skill.SkillID, publish.body.Skill.VendorID, publish.body.Subscription.SubscriptionID,
		})
	require.NotEmpty(t, e.SubscriptionID)

	completion, err := smartprops.Parse(automationCompletion(7))
	require.NoError(t, err)
	other, err = twoPhaseAutomation(automationCompletion(7))
	require.NoError(t, err)
	c, automation := completion.(*smartprops.AutomationCompletion), other.(*automationEvent)
	require.Equal(t,
		[]any{c.ID, c.Timestamp, c.UnitID, c.AutomationID, string(c.Status), c.Errors},
		[]any{
			automation.Header.EventID.ID, automation.Header.EventTime.Timestamp, automation.Header.Entities.Unit.ID,
			automation.body.Automation.ID, automation.body.Result.Status, automation.body.Result.Errors,
		})
	require.Len(t, c.Errors, 1)
}

func skillPublish(i int) []byte {
	return fmt.Appendf(nil, `{"requestId":"58796e94-a1e8-4b9c-aee0-%012d","timestamp":"2026-11-21T22:00:00Z","eventName":"AlexaDevelopmentEvent.SkillPublish",`+
		`"payload":{"status":"SUCCEEDED","actor":{"customerId":"amzn1.account.%028d"},"subscription":{"subscriptionId":"amzn1.ask-subscription.%036d"},`+
		`"skill":{"skillId":"amzn1.ask.skill.00000000-0000-4000-8000-%012d","vendorId":"M%013d"}}}`, i, i, i, i, i)
}

func automationCompletion(i int) []byte {
	return fmt.Appendf(nil, `{"header":{"version":"2.0","eventId":{"id":"58796e94-a1e8-4b9c-aee0-%012d"},`+
		`"eventType":{"namespace":"Alexa.Automation.Execution","name":"Completion"},"eventTime":{"timestamp":"2026-11-21T22:00:00Z"},`+
		`"entities":{"unit":{"type":"Unit","id":"amzn1.alexa.unit.did.%028d"}}},"payload":{"automation":{"id":"amzn1.alexa.automation.%012d"},`+
		`"result":{"status":"FAILURE","errors":[{"type":"ENDPOINT_NOT_FOUND","message":"Endpoint was not found","id":"amzn1.alexa.endpoint.%028d"}]}}}`, i, i, i, i)
}
