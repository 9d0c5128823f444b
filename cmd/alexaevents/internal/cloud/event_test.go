package cloud

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
)

func TestBuild(t *testing.T) {
	customer := &alexatest.Customer{SkillID: skillID}
	for name, want := range map[string]string{
		"SkillEnabled": "AlexaSkillEvent.SkillEnabled", "AlexaSkillEvent.SkillDisabled": "AlexaSkillEvent.SkillDisabled",
		"Reminders.ReminderDeleted": "Reminders.ReminderDeleted", "AlexaSkillEvent.Newer": "AlexaSkillEvent.Newer",
		"LaunchRequest": "LaunchRequest", "Intent:Hello": "IntentRequest",
	} {
		body, kind, err := Event{Name: name, Token: "t1"}.Build(customer)
		require.NoError(t, err)
		require.Equal(t, kindEvent, kind)
		var built struct {
			Context struct {
				System struct {
					User struct{ UserID, AccessToken string }
				}
			}
			Request struct{ Type string }
		}
		require.NoError(t, json.Unmarshal(body, &built))
		require.Equal(t, want, built.Request.Type)
		require.Equal(t, customer.UserID(), built.Context.System.User.UserID)
		require.Equal(t, "t1", built.Context.System.User.AccessToken)
	}
	body, kind, err := Event{Name: "Alexa.PowerController.TurnOn", Endpoint: "lamp-1", Set: []string{`directive.payload.list=[1,{"a":2}]`, "directive.payload.list.1.a=x=y"}}.Build(customer)
	require.NoError(t, err)
	require.Equal(t, kindDirective, kind)
	require.Contains(t, string(body), `"payload":{"list":[1,{"a":"x=y"}]}`)

	for _, wrong := range []Event{
		{},
		{Name: "SkillEnable"},
		{Name: "Intent:"},
		{Name: "LaunchRequest", Late: "x"},
		{Name: "LaunchRequest", Set: []string{"request"}},
		{Name: "LaunchRequest", Set: []string{"request.type.x=1"}},
		{Name: "LaunchRequest", Set: []string{"request.a=[]", "request.a.0=1"}},
	} {
		_, _, err := wrong.Build(customer)
		require.Error(t, err, wrong)
	}
	require.True(t, slices.Contains(EventNames(), "SkillEnabled"))
	for _, name := range EventNames() {
		_, _, err := Event{Name: strings.Replace(name, "Intent:", "Intent:Hello", 1)}.Build(customer)
		require.NoError(t, err)
	}
	_, _, err = Event{Name: "AlexaDevelopmentEvent.ALL"}.Build(customer)
	require.Error(t, err)
	late, _, err := Event{Name: "SkillEnabled", Late: "1h"}.Build(customer)
	require.NoError(t, err)
	require.Contains(t, string(late), time.Now().Add(-time.Hour).UTC().Format("2006-01-02T15:"))
}
