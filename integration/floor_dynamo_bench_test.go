package integration

import (
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
)

// dynamoFloor is the client alone.
type dynamoFloor struct {
	client *dynamodb.Client
	prefix string
}

type attributes = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func (f dynamoFloor) addFact(b *testing.B, fact identity.Fact) {
	_, err := f.client.PutItem(b.Context(), &dynamodb.PutItemInput{
		TableName: aws.String(f.prefix + "facts"),
		Item: attributes{
			"AmazonUserID": text(fact.AmazonUserID), "SkillFact": text(fact.SkillID + "\x00" + fact.AmazonUserID[:32]),
			"At": number(fact.At.UnixMilli()), "Kind": number(int64(fact.Kind)),
		},
		ConditionExpression: aws.String("attribute_not_exists(AmazonUserID)"),
	})
	require.NoError(b, err)
}

func (f dynamoFloor) userFacts(b *testing.B, amazonUserID string) (facts int) {
	output, err := f.client.Query(b.Context(), &dynamodb.QueryInput{
		TableName:                 aws.String(f.prefix + "facts"),
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("AmazonUserID = :user AND begins_with(SkillFact, :skill)"),
		ExpressionAttributeValues: attributes{":user": text(amazonUserID), ":skill": text(skill + "\x00")},
	})
	require.NoError(b, err)
	return len(output.Items)
}

func grantKey(key lwa.Key) attributes {
	return attributes{"AccountID": text(key.AccountID), "ClientLink": text(key.ClientID + "\x00" + key.LinkID)}
}

func (f dynamoFloor) grant(b *testing.B, key lwa.Key) (revision string) {
	output, err := f.client.GetItem(b.Context(), &dynamodb.GetItemInput{
		TableName: aws.String(f.prefix + "grants"), ConsistentRead: aws.Bool(true), Key: grantKey(key),
	})
	require.NoError(b, err)
	return output.Item["Revision"].(*types.AttributeValueMemberS).Value
}

func (f dynamoFloor) confirm(b *testing.B, key lwa.Key, at time.Time) {
	before := f.grant(b, key)
	item := grantKey(key)
	for name, value := range map[string]string{
		"Region": "EU", "AccessToken": "Atza|example", "RefreshToken": "Atzr|example", "CodeHash": "hash", "Revision": before[1:] + before[:1],
	} {
		item[name] = text(value)
	}
	item["IssuedAt"], item["Expiry"], item["ConfirmedAt"] = number(monday.UnixMilli()), number(monday.UnixMilli()), number(at.UnixMilli())
	_, err := f.client.PutItem(b.Context(), &dynamodb.PutItemInput{
		TableName:                 aws.String(f.prefix + "grants"),
		Item:                      item,
		ConditionExpression:       aws.String("Revision = :before"),
		ExpressionAttributeValues: attributes{":before": text(before)},
	})
	require.NoError(b, err)
}
