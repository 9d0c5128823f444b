package skillevents_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/signature"
	"github.com/alexaevents/alexaevents/skillevents"
)

// Events over HTTP, behind a verifier. Without one, Handler refuses everything.
func ExampleHandler() {
	cloud := alexatest.NewCloud()
	verifier := &signature.Verifier{
		Skills:     []string{"amzn1.ask.skill.example"},
		Roots:      cloud.Roots(),  // left out in production
		HTTPClient: cloud.Client(), // left out in production
	}
	handler := skillevents.Handler(func(_ context.Context, event skillevents.Event) error {
		fmt.Println(event.Common().Type)
		return nil
	})

	body := (&alexatest.Customer{SkillID: "amzn1.ask.skill.example"}).Enable()
	answer := httptest.NewRecorder()
	verifier.Handler(handler).ServeHTTP(answer, cloud.NewRequest("https://backend.example/alexa/events", body))
	fmt.Println(answer.Code, answer.Body)

	answer = httptest.NewRecorder()
	handler.ServeHTTP(answer, cloud.NewRequest("https://backend.example/alexa/events", body))
	fmt.Println(answer.Code)
	// Output:
	// AlexaSkillEvent.SkillEnabled
	// 200 {"version":"1.0","response":{}}
	// 500
}
