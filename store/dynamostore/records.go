package dynamostore

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/alexaevents/alexaevents/identity"
)

// UserRecords implements [identity.Store].
func (s *Store) UserRecords(ctx context.Context, skillID, amazonUserID string) iter.Seq2[identity.Record, error] {
	return func(yield func(identity.Record, error) bool) {
		facts, err := s.userFacts(ctx, skillID, amazonUserID)
		if err != nil {
			yield(identity.Record{}, wrap("read a user's facts", err))
			return
		}
		for _, record := range identity.Records(facts) {
			if !yield(record, nil) {
				return
			}
		}
	}
}

// AccountRecords implements [identity.Store]. It may miss a link that was added a moment
// ago. It sends a request for each Alexa user of the account.
func (s *Store) AccountRecords(ctx context.Context, accountID string) iter.Seq2[identity.Record, error] {
	return func(yield func(identity.Record, error) bool) {
		users, err := s.accountFacts(ctx, accountID)
		if err != nil {
			yield(identity.Record{}, wrap("read an account's facts", err))
			return
		}
		for _, record := range identity.Records(slices.Concat(slices.Collect(maps.Values(users))...)) {
			if record.AccountID == accountID && !yield(record, nil) {
				return
			}
		}
	}
}

// userFacts returns the facts of an Alexa user in a skill, or in every skill if skillID
// is empty.
func (s *Store) userFacts(ctx context.Context, skillID, amazonUserID string) ([]identity.Fact, error) {
	if !keepable(cmp.Or(skillID, "any"), amazonUserID, "") {
		return nil, s.ready(ctx)
	}
	input := &dynamodb.QueryInput{
		TableName:                 s.tableName(factsTable),
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("AmazonUserID = :user"),
		ExpressionAttributeValues: attributes{":user": text(amazonUserID)},
	}
	if skillID != "" {
		input.KeyConditionExpression = aws.String("AmazonUserID = :user AND begins_with(SkillFact, :skill)")
		input.ExpressionAttributeValues[":skill"] = text(skillFact(skillID, ""))
	}
	var facts []identity.Fact
	for item, err := range query[factItem](ctx, s, input) {
		if err != nil {
			return nil, err
		}
		facts = append(facts, item.fact())
	}
	return facts, nil
}

// accountFacts returns all facts of each user with a Linked fact of the account, since a
// fact that does not name the account can end one of its records. The users come from
// the index, which is eventually consistent.
func (s *Store) accountFacts(ctx context.Context, accountID string) (map[user][]identity.Fact, error) {
	if accountID == "" || !keepable("any", "anyone", accountID) {
		return nil, s.ready(ctx)
	}
	users := make(map[user][]identity.Fact)
	for link, err := range query[factItem](ctx, s, &dynamodb.QueryInput{
		TableName:                 s.tableName(factsTable),
		IndexName:                 aws.String(accountIndex),
		KeyConditionExpression:    aws.String("AccountID = :account"),
		ExpressionAttributeValues: attributes{":account": text(accountID)},
	}) {
		if err != nil {
			return nil, err
		}
		users[link.user()] = nil
	}
	for u := range users {
		facts, err := s.userFacts(ctx, u.skillID, u.amazonUserID)
		if err != nil {
			return nil, err
		}
		users[u] = facts
		if !slices.ContainsFunc(facts, func(f identity.Fact) bool { return f.AccountID == accountID }) {
			delete(users, u) // the link was removed, but not yet from the index
		}
	}
	return users, nil
}

// keepable reports whether a fact can contain these texts. A request with invalid UTF-8
// would find other items, since the client sends U+FFFD instead.
func keepable(skillID, amazonUserID, accountID string) bool {
	_, err := identity.Fact{
		SkillID: skillID, AmazonUserID: amazonUserID, At: time.UnixMilli(0), Kind: identity.Linked, AccountID: accountID,
	}.Clean()
	return err == nil
}
