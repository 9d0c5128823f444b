package skillevents_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/signature"
	"github.com/alexaevents/alexaevents/skillevents"
)

// Events over HTTP, behind a verifier. Without one, Handler refuses every request.
func ExampleHandler() {
	cloud := alexatest.NewCloud()
	verifier := &signature.Verifier{
		Skills:     []string{"amzn1.ask.skill.example"},
		Roots:      cloud.Roots(),  // left out in production
		HTTPClient: cloud.Client(), // left out in production
	}
	handler := &skillevents.Handler{
		Receive: func(_ context.Context, event skillevents.Event) error {
			fmt.Println(event.Common().Type)
			return nil // after the durable write
		},
		Observe: func(_ context.Context, o skillevents.Observation) {
			fmt.Println(o.Outcome, o.Err)
		},
	}

	body := (&alexatest.Customer{SkillID: "amzn1.ask.skill.example"}).Enable()
	response := httptest.NewRecorder()
	verifier.Handler(handler).ServeHTTP(response, cloud.NewRequest("https://backend.example/alexa/events", body))
	fmt.Println(response.Code, response.Body)

	response = httptest.NewRecorder()
	handler.ServeHTTP(response, cloud.NewRequest("https://backend.example/alexa/events", body))
	fmt.Println(response.Code)
	// Output:
	// AlexaSkillEvent.SkillEnabled
	// received <nil>
	// 200 {"version":"1.0","response":{}}
	// misconfigured skillevents: no verifier has checked the request: mount the Handler behind the Handler method of signature.Verifier
	// 500
}
