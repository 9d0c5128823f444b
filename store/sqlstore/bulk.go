package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/alexaevents/alexaevents/identity"
)

const (
	// factsPerStatement is a power of two. Larger statements are not faster in
	// PostgreSQL, and slower in SQLite, whose search for a parameter is linear.
	factsPerStatement = 64

	factColumns = 6 // the parameters of each fact in a statement
)

// AddFacts stores facts as AddFact does, in few statements. If a fact is invalid, the
// error is [identity.ErrInvalidFact] and no fact is stored. After any other error some
// of them may be stored; it is safe to add all of them again.
func (s *Store) AddFacts(ctx context.Context, facts []identity.Fact) error {
	sorted := make([]identity.Fact, len(facts))
	for i, fact := range facts {
		var err error
		if sorted[i], err = fact.Clean(); err != nil {
			return fmt.Errorf("sqlstore: add facts: %w", err)
		}
	}
	slices.SortFunc(sorted, compareFacts)
	for some := range slices.Chunk(sorted, factsPerStatement) {
		statement, args := insertFacts(some)
		if _, err := s.write(ctx, some, statement, args...); err != nil {
			return wrap("add facts", err)
		}
	}
	return nil
}

// compareFacts orders facts by their primary key.
func compareFacts(a, b identity.Fact) int {
	return cmp.Or(
		cmp.Compare(a.AmazonUserID, b.AmazonUserID),
		cmp.Compare(a.SkillID, b.SkillID),
		a.At.Compare(b.At),
		cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(a.AccountID, b.AccountID),
	)
}

// insertFacts returns the statement that adds up to factsPerStatement facts. They are
// sorted, since processes that add the same facts in different orders can deadlock in
// PostgreSQL.
func insertFacts(sorted []identity.Fact) (statement string, args []any) {
	// Drivers cache statements, so there are only a few sizes: a repeated fact fills
	// up the last statement.
	for bits.OnesCount(uint(len(sorted))) != 1 {
		sorted = append(slices.Clip(sorted), sorted[0])
	}
	var b strings.Builder
	b.WriteString("INSERT INTO alexa_facts (amazon_user_id, skill_id, at, kind, account_id, id)\nVALUES")
	for i, fact := range sorted {
		if i > 0 {
			b.WriteByte(',')
		}
		first := i*factColumns + 1
		fmt.Fprintf(&b, "\n    ($%d, $%d, $%d, $%d, $%d, $%d)", first, first+1, first+2, first+3, first+4, first+5)
		args = append(args, fact.AmazonUserID, fact.SkillID, fact.At.UnixMilli(), int64(fact.Kind), fact.AccountID, fact.ID())
	}
	b.WriteString("\nON CONFLICT DO NOTHING")
	return b.String(), args
}
