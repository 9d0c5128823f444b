package skillevents_test

import (
	"context"
	"encoding/json"
	"fmt"

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

	answer, err := function.Invoke(context.Background(), json.RawMessage(`{
		"version": "1.0",
		"context": {"System": {"application": {"applicationId": "amzn1.ask.skill.example"}}},
		"request": {"type": "AlexaSkillEvent.SkillEnabled", "timestamp": "2026-11-21T22:00:00Z"}}`))
	fmt.Println(string(answer), err)

	_, err = function.Invoke(context.Background(), json.RawMessage(`{
		"version": "1.0",
		"context": {"System": {"application": {"applicationId": "amzn1.ask.skill.other"}}},
		"request": {"type": "AlexaSkillEvent.SkillEnabled", "timestamp": "2026-11-21T22:00:00Z"}}`))
	fmt.Println(err)
	// Output:
	// received AlexaSkillEvent.SkillEnabled
	// {"version":"1.0","response":{}} <nil>
	// skillevents: event of a skill that is not allowed: "amzn1.ask.skill.other" is none of the 1 in Lambda.Skills
}
