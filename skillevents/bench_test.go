package skillevents_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/alexaevents/alexaevents/skillevents"
)

// BenchmarkParse decodes events that are all different, so that no decoder
// gains from seeing a text twice.
func BenchmarkParse(b *testing.B) {
	documents := make([][]byte, 4096)
	for i := range documents {
		documents[i] = fmt.Appendf(nil, `{"version":"1.0","context":{"System":{"application":{"applicationId":"amzn1.ask.skill.%08d"},`+
			`"user":{"userId":"amzn1.ask.account.%0207d","accessToken":"%0200d"},"apiEndpoint":"https://api.amazonalexa.com","apiAccessToken":"%s%08d"}},`+
			`"request":{"type":"AlexaSkillEvent.SkillAccountLinked","requestId":"58796e94-a1e8-4b9c-aee0-%012d","timestamp":"2020-07-30T13:02:00Z",`+
			`"eventCreationTime":"2020-07-30T13:02:00Z","eventPublishingTime":"2020-07-30T13:02:00Z","body":{"accessToken":"%0200d"}}}`,
			i, i, i, strings.Repeat("x", 20), i, i, i)
	}
	b.SetBytes(int64(len(documents[0])))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := skillevents.Parse(documents[i%len(documents)]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
