package skillevents_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/skillevents"
)

func TestLambda(t *testing.T) {
	const skill = "amzn1.ask.skill.s"
	enabled := string(document("AlexaSkillEvent.SkillEnabled", ""))
	down := errors.New("database is down")
	for name, test := range map[string]struct {
		payload string
		skills  []string
		err     error // of Receive
		want    error
	}{
		"an event":               {payload: enabled, skills: []string{skill}},
		"one skill of several":   {payload: enabled, skills: []string{"amzn1.ask.skill.a", skill}},
		"an unknown event":       {payload: string(document("LaunchRequest", "")), skills: []string{skill}},
		"receive fails":          {payload: enabled, skills: []string{skill}, err: down, want: down},
		"no skills":              {payload: enabled, want: skillevents.ErrSkill},
		"another skill":          {payload: enabled, skills: []string{"amzn1.ask.skill.a", skill + "x", "AMZN1.ASK.SKILL.S"}, want: skillevents.ErrSkill},
		"no skill id":            {payload: `{"request": {"type": "AlexaSkillEvent.SkillEnabled"}}`, skills: []string{skill, ""}, want: skillevents.ErrSkill},
		"the session's skill id": {payload: `{"session": {"application": {"applicationId": "amzn1.ask.skill.s"}}, "request": {"type": "X"}}`, skills: []string{skill}, want: skillevents.ErrSkill},
		"a directive":            {payload: `{"directive": {}}`, skills: []string{skill}, want: skillevents.ErrMalformed},
		"nothing":                {payload: ``, skills: []string{skill}, want: skillevents.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			var received skillevents.Event
			lambda := &skillevents.Lambda{Skills: test.skills, Receive: func(ctx context.Context, event skillevents.Event) error {
				require.Equal(t, t.Context(), ctx)
				received = event
				return test.err
			}}
			answer, err := lambda.Invoke(t.Context(), json.RawMessage(test.payload))
			if test.want != nil {
				require.ErrorIs(t, err, test.want)
				require.Nil(t, answer)
				require.Equal(t, test.err != nil, received != nil)
				return
			}
			require.NoError(t, err)
			require.Equal(t, `{"version":"1.0","response":{}}`, string(answer))
			require.Equal(t, test.payload, string(received.Common().Raw()))
		})
	}
}

func TestLambdaWithoutReceive(t *testing.T) {
	lambda := &skillevents.Lambda{Skills: []string{"amzn1.ask.skill.s"}}
	answer, err := lambda.Invoke(t.Context(), document("AlexaSkillEvent.SkillEnabled", ""))
	require.ErrorContains(t, err, "skillevents: Receive is nil")
	require.Nil(t, answer)
}

// An answer belongs to the caller: changing it does not change the next one.
func TestLambdaAnswersAreSeparate(t *testing.T) {
	lambda := &skillevents.Lambda{
		Skills:  []string{"amzn1.ask.skill.s"},
		Receive: func(context.Context, skillevents.Event) error { return nil },
	}
	first, err := lambda.Invoke(t.Context(), document("AlexaSkillEvent.SkillEnabled", ""))
	require.NoError(t, err)
	clear(first)
	second, err := lambda.Invoke(t.Context(), document("AlexaSkillEvent.SkillEnabled", ""))
	require.NoError(t, err)
	require.JSONEq(t, `{"version":"1.0","response":{}}`, string(second))
}

// Errors end up in logs: they hold nothing of an event but the skill id.
func TestErrorsDoNotLeak(t *testing.T) {
	lambda := &skillevents.Lambda{
		Skills:  []string{"amzn1.ask.skill.s"},
		Receive: func(context.Context, skillevents.Event) error { return errors.New("database is down") },
	}
	valid := document("AlexaSkillEvent.SkillAccountLinked", `"body": {"accessToken": "canary of the body"}`)
	root := decode(t, valid)
	for _, path := range paths(root) {
		for _, other := range []any{"canary", []any{"canary"}, map[string]any{"canary": "canary"}} {
			root := decode(t, valid)
			edit(root, path, func(parent any, key string) { set(parent, key, other) })
			if strings.HasSuffix(path, "/applicationId") {
				continue
			}
			_, err := lambda.Invoke(t.Context(), encode(t, root))
			require.Error(t, err)
			require.NotContains(t, err.Error(), "canary", path)
			require.NotContains(t, err.Error(), "token of", path)
			require.NotContains(t, err.Error(), "amzn1.ask.account", path)
		}
	}
}
