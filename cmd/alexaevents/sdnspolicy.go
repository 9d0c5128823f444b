package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"strings"
)

// policies are files with what AWS has: policy documents, or the output of the AWS CLI.
type policies struct{ trust, permission, topic string }

// statement is one of a policy document. Members that may be one text or several are
// lists.
type statement struct {
	Effect    string
	Action    texts
	Resource  texts
	Principal principal
	Condition map[string]map[string]texts
}

type texts []string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *texts) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(t))
}

// has reports whether one of the texts, which may have the wildcards * and ?, matches.
func (t texts) has(value string) bool {
	for _, pattern := range t {
		// A slash is special in path.Match, but not in a policy.
		if ok, err := path.Match(strings.ReplaceAll(pattern, "/", "|"), strings.ReplaceAll(value, "/", "|")); ok && err == nil {
			return true
		}
	}
	return false
}

// does reports whether the statement is about an action; those ignore case.
func (s statement) does(action string) bool {
	for _, pattern := range s.Action {
		if (texts{strings.ToLower(pattern)}).has(strings.ToLower(action)) {
			return true
		}
	}
	return false
}

// isAbout reports whether the statement names a principal of AWS, or its account.
func (s statement) isAbout(arn, account string) bool {
	for _, principal := range s.Principal.AWS {
		if principal == "*" || principal == arn || principal == account || strings.HasSuffix(principal, ":iam::"+account+":root") {
			return true
		}
	}
	return false
}

// principal is the AWS principals of a statement. "*" is everybody.
type principal struct{ AWS texts }

// UnmarshalJSON implements [json.Unmarshaler].
func (p *principal) UnmarshalJSON(data []byte) error {
	if string(data) == `"*"` {
		p.AWS = texts{"*"}
		return nil
	}
	var members map[string]texts
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	p.AWS = members["AWS"]
	return nil
}

// readPolicy reads the statements of a policy document. The AWS CLI wraps documents, and
// writes that of a topic as text.
func readPolicy(name string) ([]statement, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, failed(err)
	}
	var wrapped struct {
		Role struct {
			AssumeRolePolicyDocument json.RawMessage
		}
		PolicyDocument json.RawMessage
		Attributes     struct{ Policy string }
	}
	_ = json.Unmarshal(data, &wrapped) // a bare document has none of these
	for _, document := range [][]byte{wrapped.Role.AssumeRolePolicyDocument, wrapped.PolicyDocument, []byte(wrapped.Attributes.Policy)} {
		if len(document) > 0 {
			data = document
		}
	}
	var policy struct{ Statement json.RawMessage }
	err = json.Unmarshal(data, &policy)
	var list []statement
	if err == nil && json.Unmarshal(policy.Statement, &list) != nil {
		list = make([]statement, 1)
		err = json.Unmarshal(policy.Statement, &list[0])
	}
	if err != nil {
		return nil, usage("%s: not a policy: %s", name, err)
	}
	return list, nil
}

// sdnsAccount is the AWS account from which Amazon publishes notifications, as its
// documents say.
const sdnsAccount = "258925066295"

// check compares the policies with what a subscriber needs.
func (p policies) check(vendor, topic, role string) (found []finding, err error) {
	for _, one := range []struct {
		file  string
		cause string
		check func([]statement) string
		cure  string
	}{
		{p.trust, causeRole, func(list []statement) string { return checkTrust(list, vendor) }, "replace the trust policy: alexaevents sdns iam --format policies"},
		{p.permission, causeRole, func(list []statement) string { return checkPublish(list, topic) }, "replace the policy of the role: alexaevents sdns iam --format policies"},
		{p.topic, causeTopic, func(list []statement) string { return checkTopic(list, topic, role) }, "replace the policy of the topic: alexaevents sdns iam --format policies"},
	} {
		if one.file == "" {
			continue
		}
		list, err := readPolicy(one.file)
		if err != nil {
			return nil, err
		}
		if text := one.check(list); text != "" {
			found = append(found, finding{one.cause, text, one.cure})
		}
	}
	if p.topic == "" && awsAccount(topic) != awsAccount(role) {
		found = append(found, finding{
			causeTopic, fmt.Sprintf("the role is in the AWS account %s, and the topic in %s: the policy of the topic must allow the role", awsAccount(role), awsAccount(topic)),
			"make the role in the account of the topic, or have the policy checked: --topic-policy FILE",
		})
	}
	return found, nil
}

// checkTrust returns what is wrong with the trust policy of a role.
func checkTrust(list []statement, vendor string) string {
	var ids []string
	trusted := false
	for _, s := range list {
		if s.Effect != "Allow" || !s.does("sts:AssumeRole") || !s.isAbout("", sdnsAccount) {
			continue
		}
		trusted = true
		id, conditioned := s.externalID()
		if !conditioned || id.has(vendor) {
			return ""
		}
		ids = append(ids, id...)
	}
	if !trusted {
		return "the role does not trust the AWS account " + sdnsAccount
	}
	return fmt.Sprintf("the external ID of the role is %s, and must be the vendor ID of the subscriber's owner, %s", strings.Join(ids, ", "), vendor)
}

// externalID returns the external IDs that the statement requires, if it does.
func (s statement) externalID() (ids texts, required bool) {
	for operator, conditions := range s.Condition {
		for key, values := range conditions {
			if strings.HasPrefix(operator, "String") && strings.EqualFold(key, "sts:ExternalId") {
				return values, true
			}
		}
	}
	return nil, false
}

// checkPublish returns what is wrong with the policy of a role.
func checkPublish(list []statement, topic string) string {
	allowed := false
	for _, s := range list {
		if !s.does("sns:Publish") || !s.Resource.has(topic) {
			continue
		}
		if s.Effect == "Deny" {
			return "the policy of the role denies sns:Publish on " + topic
		}
		allowed = true
	}
	if !allowed {
		return "the policy of the role does not allow sns:Publish on " + topic
	}
	return ""
}

// checkTopic returns what is wrong with the policy of a topic. A role in the account of
// the topic needs no statement there.
func checkTopic(list []statement, topic, role string) string {
	allowed := awsAccount(topic) == awsAccount(role)
	for _, s := range list {
		applies := s.does("sns:Publish") && s.Resource.has(topic) && s.isAbout(role, awsAccount(role))
		switch {
		case applies && s.Effect == "Deny" && len(s.Condition) == 0:
			return "the policy of the topic denies sns:Publish to the role"
		case applies && s.Effect == "Allow":
			allowed = true
		}
	}
	if !allowed {
		return "the policy of the topic, which is in another AWS account than the role, does not allow the role to publish"
	}
	return ""
}
