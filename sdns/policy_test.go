package sdns_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/sdns"
)

func TestPolicies(t *testing.T) {
	for partition, arn := range map[string]string{
		"aws":        "arn:aws:sns:us-east-1:000011112222:topic",
		"aws-cn":     "arn:aws-cn:sns:cn-north-1:000011112222:topic",
		"aws-us-gov": "arn:aws-us-gov:sns:us-gov-west-1:000011112222:topic.fifo",
		"aws-eusc":   "arn:aws-eusc:sns:eusc-de-east-1:000011112222:A_topic-1",
	} {
		t.Run(partition, func(t *testing.T) {
			trust := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:` + partition + `:iam::258925066295:root"},
				"Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "M1"}}}]}`
			permission := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sns:Publish", "Resource": "` + arn + `"}]}`
			template := `{"AWSTemplateFormatVersion": "2010-09-09",
				"Description": "Lets the Alexa Skill Development Notifications Service publish to an SNS topic",
				"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {
					"AssumeRolePolicyDocument": ` + trust + `, "Policies": [{"PolicyName": "Publish", "PolicyDocument": ` + permission + `}]}}},
				"Outputs": {"RoleARN": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}}}`
			var first [3]string
			for range 10 { // the same bytes each time
				var got [3]string
				for i, document := range []func() ([]byte, error){
					func() ([]byte, error) { return sdns.TrustPolicy("M1", arn) },
					func() ([]byte, error) { return sdns.PermissionPolicy(arn) },
					func() ([]byte, error) { return sdns.CloudFormation("M1", arn) },
				} {
					data, err := document()
					require.NoError(t, err)
					require.True(t, json.Valid(data))
					got[i] = string(data)
				}
				if first[0] == "" {
					first = got
				}
				require.Equal(t, first, got)
			}
			require.JSONEq(t, trust, first[0])
			require.JSONEq(t, permission, first[1])
			require.JSONEq(t, template, first[2])
		})
	}
}

// A policy must not allow more than intended.
func TestPoliciesRefuse(t *testing.T) {
	for name, test := range map[string]struct{ vendorID, topic, field string }{
		"no topic":             {"M1", "", "topicARN"},
		"any topic":            {"M1", "arn:aws:sns:us-east-1:000011112222:*", "topicARN"},
		"some topics":          {"M1", "arn:aws:sns:us-east-1:000011112222:topic?", "topicARN"},
		"variable":             {"M1", "arn:aws:sns:us-east-1:000011112222:${aws:username}", "topicARN"},
		"any region":           {"M1", "arn:aws:sns:*:000011112222:topic", "topicARN"},
		"any account":          {"M1", "arn:aws:sns:us-east-1:*:topic", "topicARN"},
		"queue":                {"M1", "arn:aws:sqs:us-east-1:000011112222:topic", "topicARN"},
		"line break":           {"M1", topic + "\n", "topicARN"},
		"no vendor":            {"", topic, "vendorID"},
		"variable as vendor":   {"${aws:username}", topic, "vendorID"},
		"quote":                {`M1"`, topic, "vendorID"},
		"vendor and line":      {"M1\n", topic, "vendorID"},
		"longer than a vendor": {strings.Repeat("M", 256), topic, "vendorID"},
	} {
		_, trustErr := sdns.TrustPolicy(test.vendorID, test.topic)
		_, templateErr := sdns.CloudFormation(test.vendorID, test.topic)
		_, permissionErr := sdns.PermissionPolicy(test.topic)
		errs := []error{trustErr, templateErr}
		if test.field == "topicARN" {
			errs = append(errs, permissionErr)
		} else {
			require.NoError(t, permissionErr)
		}
		for _, err := range errs {
			var invalid *alexaevents.InvalidError
			require.ErrorAs(t, err, &invalid, name)
			require.Equal(t, test.field, invalid.Field, name)
		}
	}
}
