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

// factItem is a fact as the table has it. The user is the partition key. The sort
// key begins with the skill, and ends with a hash over the whole fact: storing a
// fact twice is storing it once. An item without AccountID is not in the index of
// the accounts.
type factItem struct {
	AmazonUserID string
	SkillFact    string // the skill and the ID of the record that the fact would open, with a NUL between them
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
		// If it is there, it is the same, and is not written again.
		_, err = s.put(ctx, factsTable, factItemOf(fact), condition{expression: "attribute_not_exists(AmazonUserID)"})
	}
	return wrap("add a fact", err)
}

// AddFacts stores facts as [Store.AddFact] does, many in one request. All are
// checked before the first is written. After any other error some may be stored,
// and storing all of them again is right.
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

// Facts yields every fact, those of one Alexa user of a skill one after another.
// It reads the whole table, a page at a time. What is added or erased meanwhile
// may be among them or not.
func (s *Store) Facts(ctx context.Context) iter.Seq2[identity.Fact, error] {
	all := scan[factItem](ctx, s, &dynamodb.ScanInput{TableName: s.tableName(factsTable)})
	return convert("read all facts", all, factItem.fact)
}
