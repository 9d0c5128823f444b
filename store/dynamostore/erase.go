package dynamostore

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/alexaevents/alexaevents/identity"
)

// EraseUser implements [identity.Store]. After an error, call it again.
func (s *Store) EraseUser(ctx context.Context, skillID, amazonUserID string) error {
	facts, err := s.userFacts(ctx, skillID, amazonUserID)
	if err == nil {
		err = s.removeFacts(ctx, slices.DeleteFunc(facts, isDisabled))
	}
	return wrap("erase a user", err)
}

func isDisabled(f identity.Fact) bool { return f.Kind == identity.Disabled }

func (s *Store) removeFacts(ctx context.Context, facts []identity.Fact) error {
	var requests []types.WriteRequest
	for _, fact := range facts {
		requests = append(requests, deleteRequest(factKey(fact)))
	}
	return s.write(ctx, factsTable, requests)
}

// EraseAccount implements [identity.Store]. After an error, call it again. It may miss
// a link that was added a moment ago: if events of the account can still arrive, call it
// again later.
func (s *Store) EraseAccount(ctx context.Context, accountID string) error {
	return wrap("erase an account", s.eraseAccount(ctx, accountID))
}

func (s *Store) eraseAccount(ctx context.Context, accountID string) error {
	users, err := s.accountFacts(ctx, accountID)
	if err != nil {
		return err
	}
	var emptied, links, others []identity.Fact
	for _, facts := range users {
		remaining := identity.WithoutAccount(facts, accountID)
		for _, fact := range remaining {
			if !slices.Contains(facts, fact) {
				emptied = append(emptied, fact)
			}
		}
		for _, fact := range facts {
			switch {
			case slices.Contains(remaining, fact):
			case fact.AccountID == accountID:
				links = append(links, fact)
			default:
				others = append(others, fact)
			}
		}
	}
	// The account's links are removed last: a retry finds its users by them.
	requests, err := putRequests(emptied)
	if err == nil {
		err = s.write(ctx, factsTable, requests)
	}
	if err == nil {
		err = s.removeFacts(ctx, others)
	}
	if err == nil {
		err = s.removeFacts(ctx, links)
	}
	return err
}

// Purge implements [identity.Store]. It reads the whole table, and again the facts of
// each user with a fact older than before.
func (s *Store) Purge(ctx context.Context, before time.Time) error {
	return wrap("purge", s.purge(ctx, before))
}

func (s *Store) purge(ctx context.Context, before time.Time) error {
	var last user
	for old, err := range scan[factItem](ctx, s, &dynamodb.ScanInput{
		TableName:                 s.tableName(factsTable),
		FilterExpression:          aws.String("#at < :before"),
		ProjectionExpression:      aws.String("AmazonUserID, SkillFact"),
		ExpressionAttributeNames:  map[string]string{"#at": "At"}, // AT is a reserved word
		ExpressionAttributeValues: attributes{":before": number(before.UnixMilli())},
	}) {
		if err != nil {
			return err
		}
		u := old.user()
		if u == last {
			continue
		}
		last = u
		facts, err := s.userFacts(ctx, u.skillID, u.amazonUserID)
		if err == nil && !slices.ContainsFunc(facts, func(f identity.Fact) bool { return f.At.UnixMilli() >= before.UnixMilli() }) {
			err = s.removeFacts(ctx, facts)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
