package skillevents_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
		"no skills":              {payload: enabled, want: skillevents.ErrMisconfigured},
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
			response, err := lambda.Invoke(t.Context(), json.RawMessage(test.payload))
			if test.want != nil {
				require.ErrorIs(t, err, test.want)
				require.Nil(t, response)
				require.Equal(t, test.err != nil, received != nil)
				return
			}
			require.NoError(t, err)
			require.Equal(t, `{"version":"1.0","response":{}}`, string(response))
			require.Equal(t, test.payload, string(received.Common().Raw()))
		})
	}
}

func TestLambdaWithoutReceive(t *testing.T) {
	lambda := &skillevents.Lambda{Skills: []string{"amzn1.ask.skill.s"}}
	response, err := lambda.Invoke(t.Context(), document("AlexaSkillEvent.SkillEnabled", ""))
	require.ErrorIs(t, err, skillevents.ErrMisconfigured)
	require.ErrorContains(t, err, "Lambda.Receive is not set")
	require.Nil(t, response)
}

// The error shows the ID of another skill only if it has the form of one.
func TestLambdaShowsSkillIDsOnly(t *testing.T) {
	lambda := &skillevents.Lambda{
		Skills:  []string{"amzn1.ask.skill.s"},
		Receive: func(context.Context, skillevents.Event) error { return nil },
	}
	for id, want := range map[string]string{
		"amzn1.ask.skill.other": "amzn1.ask.skill.other is not in Lambda.Skills, which lists 1",
		"AMZN1.ASK.SKILL.S":     "it has an invalid skill ID",
		"Atza|token":            "it has an invalid skill ID",
		"jane.doe@mail.example": "it has an invalid skill ID",
		"":                      "it has no skill ID",
	} {
		payload := bytes.Replace(document("AlexaSkillEvent.SkillEnabled", ""), []byte("amzn1.ask.skill.s"), []byte(id), 1)
		_, err := lambda.Invoke(t.Context(), payload)
		require.ErrorIs(t, err, skillevents.ErrSkill)
		require.EqualError(t, err, "skillevents: event of another skill: "+want)
	}
}

// A response belongs to the caller: changing it does not change the next one.
func TestLambdaResponsesAreSeparate(t *testing.T) {
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

// Errors are logged: they contain nothing of an event except a valid skill ID.
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
			_, err := lambda.Invoke(t.Context(), encode(t, root))
			require.Error(t, err)
			require.NotContains(t, err.Error(), "canary", path)
			require.NotContains(t, err.Error(), "token of", path)
			require.NotContains(t, err.Error(), "amzn1.ask.account", path)
		}
	}
}
