// Package arn tells the forms of Amazon resource names apart.
package arn

import "regexp"

// Names of topics and functions, as AWS limits them, have nothing that a policy
// would take for a wildcard or a variable.
var (
	topic    = regexp.MustCompile(`^arn:(aws[a-z-]*):sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$`)
	role     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,512}$`)
	function = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,140}(:[A-Za-z0-9_$-]{1,128})?$`)
)

// Topic returns the partition of an SNS topic, such as "aws" or "aws-cn", and
// false if the text is not the ARN of one.
func Topic(text string) (partition string, ok bool) {
	found := topic.FindStringSubmatch(text)
	if found == nil {
		return "", false
	}
	return found[1], true
}

// IsRole reports whether the text is the ARN of an IAM role.
func IsRole(text string) bool { return role.MatchString(text) }

// IsFunction reports whether the text is the full ARN of a Lambda function, with
// or without version or alias.
func IsFunction(text string) bool { return function.MatchString(text) }
