package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPolicies(t *testing.T) {
	const (
		trusted   = `"Principal": {"AWS": "arn:aws:iam::258925066295:root"}, "Action": "sts:AssumeRole"`
		external  = `"Condition": {"StringEquals": {"sts:ExternalId": "M1"}}`
		everybody = `"Principal": "*", "Action": ["SNS:Publish", "SNS:Subscribe"], "Resource": "` + testTopic + `"`
		otherRole = "arn:aws:iam::999911112222:role/Other"
	)
	document := func(statements string) string { return `{"Version": "2012-10-17", "Statement": ` + statements + `}` }
	text := func(document string) string {
		encoded, err := json.Marshal(document)
		require.NoError(t, err)
		return string(encoded)
	}
	for name, test := range map[string]struct {
		trust, role, topic string
		roleARN            string
		want               string // of the only finding; empty is none
	}{
		"trust":                  {trust: document(`[{"Effect": "Allow", ` + trusted + `, ` + external + `}]`)},
		"trust as one statement": {trust: document(`{"Effect": "Allow", ` + trusted + `, ` + external + `}`)},
		"trust of a bare account, and others": {trust: document(`[{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
			{"Effect": "Allow", "Principal": {"AWS": ["111122223333", "258925066295"]}, "Action": ["sts:*"], "Condition": {"StringLike": {"sts:externalid": ["M0", "M*"]}}}]`)},
		"another account": {
			trust: document(`{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole", ` + external + `}`),
			want:  "wrong_role: the role does not trust the AWS account 258925066295",
		},
		"another external ID": {
			trust: document(`{"Effect": "Allow", ` + trusted + `, "Condition": {"StringEquals": {"sts:ExternalId": "M2"}}}`),
			want:  "wrong_role: the external ID of the role is M2, and must be the vendor ID of the subscriber's owner, M1",
		},
		"denied": {
			trust: document(`{"Effect": "Deny", ` + trusted + `}`),
			want:  "wrong_role: the role does not trust the AWS account 258925066295",
		},
		"of the AWS CLI": {role: `{"RoleName": "r", "PolicyDocument": ` + document(`{"Effect": "Allow", "Action": "sns:*", "Resource": "arn:aws:sns:*:000011112222:sk?lls"}`) + `}`},
		"another topic": {
			role: document(`{"Effect": "Allow", "Action": "sns:Publish", "Resource": "` + testTopic + `2"}`),
			want: "wrong_role: the policy of the role does not allow sns:Publish on " + testTopic,
		},
		"another case of the topic": {
			role: document(`{"Effect": "Allow", "Action": "sns:Publish", "Resource": "arn:aws:sns:us-east-1:000011112222:Skills"}`),
			want: "wrong_role: the policy of the role does not allow sns:Publish on " + testTopic,
		},
		"another action": {
			role: document(`{"Effect": "Allow", "Action": "sns:Subscribe", "Resource": "*"}`),
			want: "wrong_role: the policy of the role does not allow sns:Publish on " + testTopic,
		},
		"a Deny": {
			role: document(`[{"Effect": "Allow", "Action": "sns:publish", "Resource": "*"}, {"Effect": "Deny", "Action": "*", "Resource": "*"}]`),
			want: "wrong_role: the policy of the role denies sns:Publish on " + testTopic,
		},
		"topic of the role's account": {topic: document(`[]`)},
		"topic that denies": {
			topic: `{"Attributes": {"Policy": ` + text(document(`{"Effect": "Deny", `+everybody+`}`)) + `}}`,
			want:  "wrong_topic_policy: the policy of the topic denies sns:Publish to the role",
		},
		"topic that denies in some cases": {topic: document(`{"Effect": "Deny", ` + everybody + `, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}`)},
		"a role of another account": {
			topic: document(`[]`), roleARN: otherRole,
			want: "wrong_topic_policy: the policy of the topic, which is in another AWS account than the role, does not allow the role to publish",
		},
		"an allowed role of another account": {
			topic: document(`{"Effect": "Allow", "Principal": {"AWS": "` + otherRole + `"}, "Action": "sns:Publish", "Resource": "` + testTopic + `"}`), roleARN: otherRole,
		},
		"a role of another account, and no policy": {
			roleARN: otherRole,
			want:    "wrong_topic_policy: the role is in the AWS account 999911112222, and the topic in 000011112222: the policy of the topic must allow the role",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write := func(name, text string) string {
				if text == "" {
					return ""
				}
				require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
				return filepath.Join(dir, name)
			}
			role := test.roleARN
			if role == "" {
				role = testRole
			}
			found, err := policies{write("trust", test.trust), write("role", test.role), write("topic", test.topic)}.check("M1", testTopic, role)
			require.NoError(t, err)
			if test.want == "" {
				require.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			require.Equal(t, test.want, found[0].Cause+": "+found[0].Text)
		})
	}
	for _, text := range []string{"", "x", "[]", "{}", `{"Statement": 7}`, `{"Statement": [{"Action": 7}]}`, `{"Statement": {"Principal": []}}`} {
		file := filepath.Join(t.TempDir(), "policy")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, err := readPolicy(file)
		require.ErrorContains(t, err, "not a policy", text)
	}
	_, err := readPolicy("missing.json")
	require.Error(t, err)
}
