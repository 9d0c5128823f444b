package rest

import (
	"regexp"
	"strings"
)

const (
	digits  = "0123456789"
	lower   = "abcdefghijklmnopqrstuvwxyz"
	letters = lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// TopicARN returns the partition, such as "aws-cn", and the region in the ARN of an
// SNS topic, arn:aws:sns:us-east-1:123456789012:name. Such an ARN has no wildcard or
// variable of a policy.
func TopicARN(text string) (partition, region string, ok bool) {
	parts := strings.SplitN(text, ":", 7)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sns" {
		return "", "", false
	}
	account, name := parts[4], strings.TrimSuffix(parts[5], ".fifo")
	suffix, isAWS := strings.CutPrefix(parts[1], "aws")
	if !isAWS || !only(suffix, lower+"-") || !isRegion(parts[3]) ||
		len(account) != 12 || !only(account, digits) ||
		len(name) < 1 || len(name) > 256 || !only(name, letters+digits+"-_") {
		return "", "", false
	}
	return parts[1], parts[3], true
}

// isRegion reports whether s is the name of a region, such as us-gov-west-1. Other
// labels before amazonaws.com, such as s3-us-west-2, have subdomains that any
// AWS customer can own.
func isRegion(s string) bool {
	i := strings.LastIndexByte(s, '-')
	return i > 0 && i < len(s)-1 && strings.Contains(s[:i], "-") && only(s[:i], lower+"-") && only(s[i+1:], digits)
}

// only reports whether s has no other characters than these.
func only(s, characters string) bool { return strings.Trim(s, characters) == "" }

var (
	role     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,512}$`)
	function = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,140}(:[A-Za-z0-9_$-]{1,128})?$`)
)

// IsRoleARN reports whether the text is the ARN of an IAM role.
func IsRoleARN(text string) bool { return role.MatchString(text) }

// IsFunctionARN reports whether the text is the full ARN of a Lambda function,
// with or without version or alias.
func IsFunctionARN(text string) bool { return function.MatchString(text) }
