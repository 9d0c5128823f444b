package skillevents_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/signature"
	"github.com/alexaevents/alexaevents/skillevents"
)

func ExampleParse() {
	event, err := skillevents.Parse([]byte(`{
		"version": "1.0",
		"context": {"System": {
			"application": {"applicationId": "amzn1.ask.skill.example"},
			"user": {"userId": "amzn1.ask.account.EXAMPLE"}}},
		"request": {
			"type": "AlexaSkillEvent.SkillDisabled",
			"requestId": "7b1f2d70-6f0c-4c3e-9d0b-6a3f3c1d2e4f",
			"timestamp": "2026-11-21T22:00:00Z",
			"body": {"userInformationPersistenceStatus": "NOT_PERSISTED"}}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	switch event := event.(type) {
	case *skillevents.SkillDisabled:
		fmt.Println(event.UserID, "left at", event.Time())
		if event.UserInformationPersistenceStatus == skillevents.NotPersisted {
			fmt.Println("and will not come back under this id")
		}
	case *skillevents.SkillPermissionChanged:
		fmt.Println("grants now", event.AcceptedPermissions)
	case *skillevents.Unknown:
		fmt.Println("ignored", event.Type)
	}
	fmt.Println(event) // safe to log: no user id, no token
	// Output:
	// amzn1.ask.account.EXAMPLE left at 2026-11-21 22:00:00 +0000 UTC
	// and will not come back under this id
	// {"type":"AlexaSkillEvent.SkillDisabled","requestId":"7b1f2d70-6f0c-4c3e-9d0b-6a3f3c1d2e4f","time":"2026-11-21T22:00:00Z","skillId":"amzn1.ask.skill.example"}
}

// In a program, the Invoke method goes to lambda.Start of aws-lambda-go:
//
//	lambda.Start(function.Invoke)
func ExampleLambda() {
	function := &skillevents.Lambda{
		Skills: []string{"amzn1.ask.skill.example"},
		Receive: func(_ context.Context, event skillevents.Event) error {
			fmt.Println("received", event.Common().Type)
			return nil // after the durable write
		},
	}

	response, err := function.Invoke(context.Background(), json.RawMessage(`{
		"version": "1.0",
		"context": {"System": {"application": {"applicationId": "amzn1.ask.skill.example"}}},
		"request": {"type": "AlexaSkillEvent.SkillEnabled", "timestamp": "2026-11-21T22:00:00Z"}}`))
	fmt.Println(string(response), err)

	_, err = function.Invoke(context.Background(), json.RawMessage(`{
		"version": "1.0",
		"context": {"System": {"application": {"applicationId": "amzn1.ask.skill.other"}}},
		"request": {"type": "AlexaSkillEvent.SkillEnabled", "timestamp": "2026-11-21T22:00:00Z"}}`))
	fmt.Println(err)
	// Output:
	// received AlexaSkillEvent.SkillEnabled
	// {"version":"1.0","response":{}} <nil>
	// skillevents: event of another skill: amzn1.ask.skill.other is not in Lambda.Skills, which lists 1
}

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
	// misconfigured skillevents: misconfigured: no verifier has checked the request: mount the Handler behind the Handler method of signature.Verifier
	// 500
}

// The events section of skill.json for the types that a backend handles. Deploy it with
// the ASK CLI.
func ExampleManifest() {
	events := skillevents.Manifest{
		Endpoint: skillevents.Endpoint{URI: "https://backend.example/alexa/events", Certificate: skillevents.Trusted},
		Regions: map[alexaevents.Region]skillevents.Endpoint{
			alexaevents.Europe: {URI: "arn:aws:lambda:eu-west-1:000011112222:function:events"},
		},
		Subscriptions: []skillevents.EventName{
			skillevents.EventSkillEnabled,
			skillevents.EventSkillDisabled,
			skillevents.EventSkillAccountLinked,
		},
	}
	section, err := json.MarshalIndent(events, "", "  ")
	fmt.Println(string(section), err)
	// Output:
	// {
	//   "endpoint": {
	//     "uri": "https://backend.example/alexa/events",
	//     "sslCertificateType": "Trusted"
	//   },
	//   "regions": {
	//     "EU": {
	//       "endpoint": {
	//         "uri": "arn:aws:lambda:eu-west-1:000011112222:function:events"
	//       }
	//     }
	//   },
	//   "subscriptions": [
	//     {
	//       "eventName": "SKILL_ENABLED"
	//     },
	//     {
	//       "eventName": "SKILL_DISABLED"
	//     },
	//     {
	//       "eventName": "SKILL_ACCOUNT_LINKED"
	//     }
	//   ]
	// } <nil>
}

// Why does my skill get no events?
func ExampleLint() {
	findings, err := skillevents.Lint([]byte(`{"manifest": {"events": {
		"endpoint": {"uri": "my-function"},
		"subscriptions": [
			{"eventName": "AlexaSkillEvent.SkillDisabled"},
			{"eventName": "SKILL_ACCOUNT_LINKED"}]}}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, finding := range findings {
		if finding.Note {
			fmt.Println("note:", finding)
		} else {
			fmt.Println(finding)
		}
	}
	// Output:
	// manifest.events.endpoint.uri: neither an https URL nor the full ARN of a Lambda function, arn:aws:lambda:us-east-1:123456789012:function:name; its short name is not enough
	// manifest.events.subscriptions[0].eventName: AlexaSkillEvent.SkillDisabled is the type of the request; the name of the event is SKILL_DISABLED
	// note: manifest.events.subscriptions[1].eventName: arrives only if the skill has account linking, which this file does not show: run ask smapi get-account-linking-info
	// note: manifest.events: a change to a live skill takes effect after another certification
}
