package dynamostore

import (
	"context"
	"iter"
	"strings"
	"time"

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
