package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alexaevents/alexaevents/sdns"
)

func (a *app) sdnsIAMCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use: "iam [FILE]", Short: "Print the AWS resources that a file needs", Args: cobra.MaximumNArgs(1),
		Long: `Print the AWS resources that the subscribers of a file need: the topic with its policy,
the role that Amazon assumes, with the vendor ID as external ID, a dead-letter queue, and
the subscription of the endpoint if the file has one. The command makes none of them.

The names are those of the ARNs in the file, so create the resources in the account and
region of the topic. A CloudFormation stack needs CAPABILITY_NAMED_IAM.`,
		Example: `  alexaevents sdns iam > sdns.json
  aws cloudformation deploy --stack-name sdns --template-file sdns.json --capabilities CAPABILITY_NAMED_IAM
  alexaevents sdns iam --format terraform > sdns.tf`,
		RunE: func(c *cobra.Command, args []string) error {
			file, err := readSDNS(c, args)
			if err != nil {
				return err
			}
			resources, err := newResources(file)
			if err != nil {
				return err
			}
			var text string
			switch format {
			case "cloudformation":
				text, err = cloudFormation(resources)
			case "terraform":
				text, err = terraform(resources)
			case "policies":
				text, err = policyDocuments(resources)
			default:
				return usage("--format: cloudformation, terraform or policies")
			}
			if err != nil {
				return failed(err)
			}
			for _, r := range resources {
				if r.endpoint == "" {
					a.note("subscriber %q has no endpoint: the dead-letter queue is for the subscription of one", r.subscriber)
				}
			}
			_, err = fmt.Fprint(a.out, text)
			return err
		},
	}
	c.Flags().StringVar(&format, "format", "cloudformation", "`format`: cloudformation, terraform or policies")
	return c
}

// object is a JSON object; its names are sorted.
type object = map[string]any

// resources is what one subscriber needs in AWS.
type resources struct {
	subscriber         string
	suffix             string // of names in a template: empty, 2, 3...
	topic, topicName   string
	role, path, name   string // ARN, path and name of the role
	queue              string // name
	protocol, endpoint string // empty without an endpoint
	trust, permission  json.RawMessage
}

func newResources(file *sdnsFile) (all []resources, err error) {
	seen := make(map[string]bool)
	for i, s := range file.Subscribers {
		at := fmt.Sprintf("subscriber %q: ", s.Name)
		r := resources{subscriber: s.Name, topic: s.Topic, role: s.Role, endpoint: s.Endpoint}
		if i > 0 {
			r.suffix = fmt.Sprint(i + 1)
		}
		arn, first := strings.Split(s.Topic, ":"), strings.Split(file.Subscribers[0].Topic, ":")
		switch {
		case seen[s.Topic] || seen[s.Role]:
			return nil, usage("%sanother subscriber has this topic or role: each needs its own", at)
		case isFIFO(s.Topic):
			return nil, usage("%sa FIFO topic needs a message group, which Amazon is not known to give: use a standard topic", at)
		case awsAccount(s.Topic) != awsAccount(s.Role):
			return nil, usage("%stopic and role must be in one AWS account", at)
		case arn[3] != first[3] || arn[4] != first[4]:
			return nil, usage("%sanother region or AWS account than the first subscriber: write a file for each", at)
		}
		seen[s.Topic], seen[s.Role] = true, true
		r.topicName = arn[5]
		parts := roleARN.FindStringSubmatch(s.Role)
		r.name = parts[4]
		r.path = strings.TrimSuffix(strings.SplitN(s.Role, ":role", 2)[1], r.name)
		r.queue = r.topicName[:min(len(r.topicName), 67)] + "-dead-letters" // at most 80 characters
		if r.protocol, err = protocol(s.Endpoint); err != nil {
			return nil, usage("%s%s", at, err)
		}
		if r.trust, err = sdns.TrustPolicy(s.Vendor, s.Topic); err != nil {
			return nil, usage("%s%s", at, err)
		}
		if r.permission, err = sdns.PermissionPolicy(s.Topic); err != nil {
			return nil, usage("%s%s", at, err)
		}
		all = append(all, r)
	}
	if len(all) == 0 {
		return nil, usage("the file has no subscribers: a subscription to somebody else's subscriber needs nothing in AWS")
	}
	return all, nil
}

// protocol returns the protocol of an endpoint of a topic.
func protocol(endpoint string) (string, error) {
	if endpoint == "" {
		return "", nil
	}
	if u, err := url.Parse(endpoint); err == nil && u.Scheme == "https" && u.Host != "" {
		return "https", nil
	}
	if parts := strings.Split(endpoint, ":"); len(parts) > 5 && parts[0] == "arn" && (parts[2] == "sqs" || parts[2] == "lambda") {
		return parts[2], nil
	}
	return "", fmt.Errorf("endpoint: must be an https URL, or the ARN of a queue or Lambda function: %s", endpoint)
}

func policyDocument(statement object) object {
	return object{"Version": "2012-10-17", "Statement": []object{statement}}
}

// topicPolicy lets the role publish to the topic.
func (r resources) topicPolicy(role any) object {
	return policyDocument(object{"Effect": "Allow", "Principal": object{"AWS": role}, "Action": "sns:Publish", "Resource": r.topic})
}

// queuePolicy lets the topic send to the dead-letter queue.
func (r resources) queuePolicy(queue any) object {
	return policyDocument(object{
		"Effect": "Allow", "Principal": object{"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": queue,
		"Condition": object{"ArnEquals": object{"aws:SourceArn": r.topic}},
	})
}

const retention = 14 * 24 * 60 * 60 // seconds, the longest of Amazon SQS

func cloudFormation(all []resources) (string, error) {
	made, outputs := object{}, object{}
	for _, r := range all {
		id := func(name string) string { return name + r.suffix }
		ref := func(name string) object { return object{"Ref": id(name)} }
		arn := func(name string) object { return object{"Fn::GetAtt": []string{id(name), "Arn"}} }
		add := func(name, kind string, properties object) {
			made[id(name)] = object{"Type": kind, "Properties": properties}
		}
		add("Topic", "AWS::SNS::Topic", object{"TopicName": r.topicName, "SignatureVersion": "2"})
		add("TopicPolicy", "AWS::SNS::TopicPolicy", object{"Topics": []object{ref("Topic")}, "PolicyDocument": r.topicPolicy(arn("Role"))})
		add("Role", "AWS::IAM::Role", object{
			"RoleName": r.name, "Path": r.path, "AssumeRolePolicyDocument": r.trust,
			"Policies": []object{{"PolicyName": "Publish", "PolicyDocument": r.permission}},
		})
		add("DeadLetterQueue", "AWS::SQS::Queue", object{"QueueName": r.queue, "MessageRetentionPeriod": retention})
		add("DeadLetterQueuePolicy", "AWS::SQS::QueuePolicy", object{"Queues": []object{ref("DeadLetterQueue")}, "PolicyDocument": r.queuePolicy(arn("DeadLetterQueue"))})
		if r.endpoint != "" {
			add("Subscription", "AWS::SNS::Subscription", object{
				"TopicArn": ref("Topic"), "Protocol": r.protocol, "Endpoint": r.endpoint,
				"RedrivePolicy": object{"deadLetterTargetArn": arn("DeadLetterQueue")},
			})
		}
		outputs[id("TopicARN")] = object{"Value": ref("Topic")}
		outputs[id("RoleARN")] = object{"Value": arn("Role")}
		outputs[id("DeadLetterQueueARN")] = object{"Value": arn("DeadLetterQueue")}
	}
	return document(object{
		"AWSTemplateFormatVersion": "2010-09-09",
		"Description":              "Notifications about Alexa skill development",
		"Resources":                made,
		"Outputs":                  outputs,
	})
}

func document(value any) (string, error) {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(value)
	return text.String(), err
}

func policyDocuments(all []resources) (text string, err error) {
	for _, r := range all {
		arn := strings.Split(r.topic, ":")
		arn[2], arn[5] = "sqs", r.queue
		one, err := document(object{
			"subscriber": r.subscriber, "topic": r.topic, "role": r.role, "dead_letter_queue": strings.Join(arn, ":"),
			"trust_policy": r.trust, "role_policy": r.permission,
			"topic_policy": r.topicPolicy(r.role), "queue_policy": r.queuePolicy(strings.Join(arn, ":")),
		})
		if err != nil {
			return "", err
		}
		text += one
	}
	return text, nil
}

// member matches the start of a member of a JSON object, which Terraform formats with a
// space before the colon.
var member = regexp.MustCompile(`(?m)^( *"[^"]*"): `)

// terraform writes Terraform's language, as "terraform fmt" formats it. A JSON object is an expression there, whose
// texts may have references.
func terraform(all []resources) (string, error) {
	var text strings.Builder
	var failure error
	for _, r := range all {
		label := "sdns" + r.suffix
		encode := func(value any) string {
			policy, err := document(value)
			if err != nil {
				failure = err
			}
			policy = member.ReplaceAllString(strings.TrimSpace(policy), "$1 : ")
			return "jsonencode(" + strings.ReplaceAll(policy, "\n", "\n  ") + ")"
		}
		block := func(kind string, lines ...string) {
			width := 0 // of the names with one line
			for i := 0; i < len(lines); i += 2 {
				if !strings.Contains(lines[i+1], "\n") {
					width = max(width, len(lines[i]))
				}
			}
			fmt.Fprintf(&text, "resource %q %q {\n", kind, label)
			for i := 0; i < len(lines); i += 2 {
				name := lines[i]
				if !strings.Contains(lines[i+1], "\n") {
					name = fmt.Sprintf("%-*s", width, name)
				}
				fmt.Fprintf(&text, "  %s = %s\n", name, lines[i+1])
			}
			text.WriteString("}\n\n")
		}
		role, queue := "${aws_iam_role."+label+".arn}", "${aws_sqs_queue."+label+".arn}"
		block("aws_sns_topic", "name", literal(r.topicName), "signature_version", "2")
		block("aws_sns_topic_policy", "arn", "aws_sns_topic."+label+".arn", "policy", encode(r.topicPolicy(role)))
		block("aws_iam_role", "name", literal(r.name), "path", literal(r.path), "assume_role_policy", encode(r.trust))
		block("aws_iam_role_policy", "name", literal("Publish"), "role", "aws_iam_role."+label+".id", "policy", encode(r.permission))
		block("aws_sqs_queue", "name", literal(r.queue), "message_retention_seconds", fmt.Sprint(retention))
		block("aws_sqs_queue_policy", "queue_url", "aws_sqs_queue."+label+".id", "policy", encode(r.queuePolicy(queue)))
		if r.endpoint != "" {
			block("aws_sns_topic_subscription", "topic_arn", "aws_sns_topic."+label+".arn", "protocol", literal(r.protocol),
				"endpoint", literal(r.endpoint), "redrive_policy", encode(object{"deadLetterTargetArn": queue}))
		}
	}
	return strings.TrimSuffix(text.String(), "\n"), failure
}

// literal quotes a text in Terraform's language.
func literal(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		return `""`
	}
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(string(quoted))
}
