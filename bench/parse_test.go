// Package bench compares the library with the obvious ways of doing its work by
// hand.
package bench

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/alexaevents/alexaevents/internal/compare"
	"github.com/alexaevents/alexaevents/skillevents"
)

// BenchmarkParse decodes events of about 1.1 KB that are all different, so that
// no decoder gains from seeing a text twice.
func BenchmarkParse(b *testing.B) {
	documents := make([][]byte, 4096)
	for i := range documents {
		documents[i] = accountLinked(i)
	}
	b.Run("against encoding/json two-phase", func(b *testing.B) {
		compare.Run(b, func(i int) {
			if _, err := twoPhase(documents[i%len(documents)]); err != nil {
				b.Fatal(err)
			}
		}, func(i int) {
			if _, err := skillevents.Parse(documents[i%len(documents)]); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("alone", func(b *testing.B) {
		measure(b, documents, func(data []byte) error {
			_, err := skillevents.Parse(data)
			return err
		})
	})
}

func measure(b *testing.B, documents [][]byte, parse func([]byte) error) {
	b.SetBytes(int64(len(documents[0])))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if err := parse(documents[i%len(documents)]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// header is the envelope of an event with the body left as it is.
type header struct {
	Version string `json:"version"`
	Context struct {
		System struct {
			Application struct {
				ApplicationID string `json:"applicationId"`
			} `json:"application"`
			User struct {
				UserID      string `json:"userId"`
				AccessToken string `json:"accessToken"`
				Permissions struct {
					ConsentToken string `json:"consentToken"`
				} `json:"permissions"`
			} `json:"user"`
			Person struct {
				PersonID string `json:"personId"`
			} `json:"person"`
			APIEndpoint    string `json:"apiEndpoint"`
			APIAccessToken string `json:"apiAccessToken"`
		} `json:"System"`
	} `json:"context"`
	Request struct {
		Type                string          `json:"type"`
		RequestID           string          `json:"requestId"`
		Timestamp           time.Time       `json:"timestamp"`
		EventCreationTime   time.Time       `json:"eventCreationTime"`
		EventPublishingTime time.Time       `json:"eventPublishingTime"`
		Locale              string          `json:"locale"`
		Body                json.RawMessage `json:"body"`
	} `json:"request"`
}

type linkedBody struct {
	AccessToken string `json:"accessToken"`
}

// twoPhase decodes the envelope first and then the body by its type.
func twoPhase(data []byte) (any, error) {
	event := new(struct {
		header
		body linkedBody
	})
	if err := json.Unmarshal(data, &event.header); err != nil {
		return nil, err
	}
	if event.Request.Type != "AlexaSkillEvent.SkillAccountLinked" {
		return nil, fmt.Errorf("unknown type %q", event.Request.Type)
	}
	if err := json.Unmarshal(event.Request.Body, &event.body); err != nil {
		return nil, err
	}
	return event, nil
}

func TestTwoPhaseReadsWhatParseReads(t *testing.T) {
	event, err := skillevents.Parse(accountLinked(7))
	if err != nil {
		t.Fatal(err)
	}
	other, err := twoPhase(accountLinked(7))
	if err != nil {
		t.Fatal(err)
	}
	linked := event.(*skillevents.SkillAccountLinked)
	byHand := other.(*struct {
		header
		body linkedBody
	})
	for _, pair := range [][2]any{
		{string(linked.AccessToken), byHand.body.AccessToken},
		{linked.SkillID, byHand.Context.System.Application.ApplicationID},
		{linked.UserID, byHand.Context.System.User.UserID},
		{linked.RequestID, byHand.Request.RequestID},
		{linked.EventCreationTime, byHand.Request.EventCreationTime},
	} {
		if pair[0] != pair[1] || pair[0] == "" {
			t.Errorf("%v and %v differ", pair[0], pair[1])
		}
	}
}

// accountLinked returns an event with texts as long as Alexa's.
func accountLinked(i int) []byte {
	return fmt.Appendf(nil, `{"version":"1.0","context":{"System":{"application":{"applicationId":"amzn1.ask.skill.00000000-0000-4000-8000-%012d"},`+
		`"user":{"userId":"amzn1.ask.account.%0207d","accessToken":"%064d"},"apiEndpoint":"https://api.eu.amazonalexa.com","apiAccessToken":"%0230d"}},`+
		`"request":{"type":"AlexaSkillEvent.SkillAccountLinked","requestId":"58796e94-a1e8-4b9c-aee0-%012d","timestamp":"2020-07-30T13:02:00Z",`+
		`"eventCreationTime":"2020-07-30T13:02:00Z","eventPublishingTime":"2020-07-30T13:02:00Z","body":{"accessToken":"%064d"}}}`,
		i, i, i, i, i, i)
}
