package sdns

import (
	"encoding/json"
	"regexp"

	"github.com/alexaevents/alexaevents/internal/rest"
)

// account is the AWS account that Amazon publishes notifications from.
const account = "258925066295"

// vendors matches the vendor IDs that can be an external ID. A $ would begin a
// variable of the policy.
var vendors = regexp.MustCompile(`^[A-Za-z0-9_+=,.@:/-]{2,255}$`)

// TrustPolicy returns the trust policy, a JSON document, of the role that Amazon
// assumes to publish to the topic. The vendor ID is that of the subscriber's
// owner.
//
// Amazon documents the trusted account and the external ID. The partition is that
// of the topic; whether the service supports partitions other than aws is not
// known.
func TrustPolicy(vendorID, topicARN string) ([]byte, error) {
	partition, _, ok := rest.TopicARN(topicARN)
	switch {
	case !ok:
		return nil, invalid("topicARN", topicRule)
	case !vendors.MatchString(vendorID):
		return nil, invalid("vendorID", "must have 2 to 255 characters, letters, digits and _+=,.@:/-")
	}
	return policy(object{
		"Effect":    "Allow",
		"Principal": object{"AWS": "arn:" + partition + ":iam::" + account + ":root"},
		"Action":    "sts:AssumeRole",
		"Condition": object{"StringEquals": object{"sts:ExternalId": vendorID}},
	})
}

// PermissionPolicy returns the permissions policy of that role, a JSON document. It
// allows only publishing to the topic. If the topic is encrypted, the role also
// needs permissions for its key.
func PermissionPolicy(topicARN string) ([]byte, error) {
	if _, _, ok := rest.TopicARN(topicARN); !ok {
		return nil, invalid("topicARN", topicRule)
	}
	return policy(object{"Effect": "Allow", "Action": "sns:Publish", "Resource": topicARN})
}

// CloudFormation returns a template in JSON that creates the role with both
// policies. Its output RoleARN is the value of [Subscriber.RoleARN]. The stack
// needs the capability CAPABILITY_IAM.
func CloudFormation(vendorID, topicARN string) ([]byte, error) {
	trust, err := TrustPolicy(vendorID, topicARN)
	if err != nil {
		return nil, err
	}
	permission, err := PermissionPolicy(topicARN)
	if err != nil {
		return nil, err
	}
	return document(object{
		"AWSTemplateFormatVersion": "2010-09-09",
		"Description":              "Lets the Alexa Skill Development Notifications Service publish to an SNS topic",
		"Resources": object{"Role": object{
			"Type": "AWS::IAM::Role",
			"Properties": object{
				"AssumeRolePolicyDocument": json.RawMessage(trust),
				"Policies":                 []object{{"PolicyName": "Publish", "PolicyDocument": json.RawMessage(permission)}},
			},
		}},
		"Outputs": object{"RoleARN": object{"Value": object{"Fn::GetAtt": []string{"Role", "Arn"}}}},
	})
}

// object marshals with its names sorted.
type object = map[string]any

func policy(statement object) ([]byte, error) {
	return document(object{"Version": "2012-10-17", "Statement": []object{statement}})
}

func document(value object) ([]byte, error) { return json.MarshalIndent(value, "", "  ") }
