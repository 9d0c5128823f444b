package dynamostore

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/alexaevents/alexaevents/identity"
)

// factItem is the item of a fact. The user is the partition key. The sort key begins with
// the skill and ends with a hash of the whole fact, so writing a fact again changes
// nothing. An item without AccountID is not in the index of accounts.
type factItem struct {
	AmazonUserID string
	SkillFact    string // skill ID, NUL, fact ID
	At           int64  // milliseconds since 1970-01-01T00:00:00Z
	Kind         identity.Kind
	AccountID    string `dynamodbav:",omitempty"`
}

func skillFact(skillID, id string) string { return skillID + "\x00" + id }

func factKey(fact identity.Fact) attributes {
	return attributes{"AmazonUserID": text(fact.AmazonUserID), "SkillFact": text(skillFact(fact.SkillID, fact.ID()))}
}

func factItemOf(fact identity.Fact) factItem {
	return factItem{
		AmazonUserID: fact.AmazonUserID,
		SkillFact:    skillFact(fact.SkillID, fact.ID()),
		At:           fact.At.UnixMilli(),
		Kind:         fact.Kind,
		AccountID:    fact.AccountID,
	}
}

func (i factItem) fact() identity.Fact {
	u := i.user()
	return identity.Fact{
		SkillID:      u.skillID,
		AmazonUserID: u.amazonUserID,
		At:           time.UnixMilli(i.At).UTC(),
		Kind:         i.Kind,
		AccountID:    i.AccountID,
	}
}

// user is a user of one skill.
type user struct{ skillID, amazonUserID string }

func (i factItem) user() user {
	skillID, _, _ := strings.Cut(i.SkillFact, "\x00")
	return user{skillID, i.AmazonUserID}
}

// AddFact implements [identity.Store].
func (s *Store) AddFact(ctx context.Context, fact identity.Fact) error {
	fact, err := fact.Clean()
	if err == nil {
		// An existing item is equal and is not written again.
		_, err = s.put(ctx, factsTable, factItemOf(fact), condition{expression: "attribute_not_exists(AmazonUserID)"})
	}
	return wrap("add a fact", err)
}

// AddFacts stores facts as [Store.AddFact] does, many in one request. If a fact is
// invalid, the error is [identity.ErrInvalidFact] and no fact is stored. After any other
// error some of them may be stored; it is safe to add all of them again.
func (s *Store) AddFacts(ctx context.Context, facts []identity.Fact) error {
	requests, err := putRequests(facts)
	if err == nil {
		err = s.write(ctx, factsTable, requests)
	}
	return wrap("add facts", err)
}

func putRequests(facts []identity.Fact) (requests []types.WriteRequest, err error) {
	known := make(map[identity.Fact]bool, len(facts))
	for _, fact := range facts {
		if fact, err = fact.Clean(); err != nil {
			return nil, err
		}
		if known[fact] {
			continue
		}
		known[fact] = true
		item, err := attributevalue.MarshalMap(factItemOf(fact))
		if err != nil {
			return nil, err
		}
		requests = append(requests, putRequest(item))
	}
	return requests, nil
}

// Facts yields every fact in the store, grouped by user and skill. It reads the whole
// table, one page at a time. A fact that is added or erased while the loop runs may be
// among them or not.
func (s *Store) Facts(ctx context.Context) iter.Seq2[identity.Fact, error] {
	all := scan[factItem](ctx, s, &dynamodb.ScanInput{TableName: s.tableName(factsTable)})
	return convert("read all facts", all, factItem.fact)
}

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
