package skillevents_test

import (
	"encoding/json"
	"fmt"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/skillevents"
)

// The events section for what a backend handles, to be put into skill.json and
// deployed with the ASK CLI.
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
	// note: manifest.events.subscriptions[1].eventName: comes only if the skill has account linking, which this file does not tell: ask smapi get-account-linking-info
	// note: manifest.events: a change to a live skill takes effect after another certification
}
