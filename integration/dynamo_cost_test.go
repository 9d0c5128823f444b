package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
)

// cost is the cost of requests in request units.
type cost struct{ reads, writes float64 }

// meter requests the cost of each request from the emulator, and sums it up.
type meter struct{ cost }

func (m *meter) do(r *http.Request) (*http.Response, error) {
	var request map[string]json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		return nil, err
	}
	request["ReturnConsumedCapacity"] = json.RawMessage(`"TOTAL"`)
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if body, err = io.ReadAll(response.Body); err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	reads := isOperation(r, "GetItem", "Query", "Scan")
	return response, m.add(body, reads)
}

func (m *meter) add(body []byte, reads bool) error {
	type consumed struct{ CapacityUnits float64 }
	var one struct{ ConsumedCapacity consumed }
	var several struct{ ConsumedCapacity []consumed }
	if json.Unmarshal(body, &one) == nil {
		several.ConsumedCapacity = []consumed{one.ConsumedCapacity}
	} else if err := json.Unmarshal(body, &several); err != nil {
		return err
	}
	for _, c := range several.ConsumedCapacity {
		if reads {
			m.reads += c.CapacityUnits
		} else {
			m.writes += c.CapacityUnits
		}
	}
	return nil
}

// The table in the documentation of dynamostore, except for scans, writes to the index
// and writes whose condition fails, which the emulator does not count correctly.
func TestDynamoCost(t *testing.T) {
	t.Parallel()
	m := new(meter)
	store := newDynamo(t, through(m.do))
	userID := func(n int) string { return fmt.Sprintf("amzn1.ask.account.%0207d", n) }
	const accountID = "4f0c9b9e-7c0e-4a52-9d6a-2b1f2f0f9a11"
	token := func(prefix string) alexaevents.Secret { return alexaevents.Secret(prefix + strings.Repeat("x", 800)) }

	add := func(fact identity.Fact) func() error {
		return func() error { return store.AddFact(t.Context(), fact) }
	}
	accept := func() error {
		return store.UpdateGrant(t.Context(), keyOf(accountID), func(g *lwa.Grant) error {
			g.Region, g.AccessToken, g.RefreshToken = alexaevents.Europe, token("Atza|"), token("Atzr|")
			g.IssuedAt, g.Expiry, g.ConfirmedAt = monday, monday.Add(time.Hour), monday
			g.CodeHash = strings.Repeat("0", 64)
			return nil
		})
	}
	for _, step := range []struct {
		what string
		do   func() error
		want cost
	}{
		{"AddFact", add(enabled(userID(0), monday)), cost{0, 1}},
		{"AddFact with an account", add(linked(userID(0), accountID, monday)), cost{0, 1}},
		{"AddFact of another user", add(linked(userID(1), accountID, monday)), cost{0, 1}},
		{"AddFacts", func() error {
			return store.AddFacts(t.Context(), []identity.Fact{enabled(userID(2), monday), linked(userID(2), accountID, monday)})
		}, cost{0, 2}},
		{"UserRecords", func() error { return onlyError(store.UserRecords(t.Context(), skill, userID(0))) }, cost{1, 0}},
		{"AccountRecords of three users", func() error { return onlyError(store.AccountRecords(t.Context(), accountID)) }, cost{3.5, 0}},
		{"EraseUser", func() error { return store.EraseUser(t.Context(), skill, userID(0)) }, cost{1, 2}},
		{"EraseAccount of two users", func() error { return store.EraseAccount(t.Context(), accountID) }, cost{2.5, 3}},
		{"UpdateGrant of none", accept, cost{1, 2}},
		{"UpdateGrant", accept, cost{1, 2}},
		{"Grant", func() error {
			_, err := store.Grant(t.Context(), keyOf(accountID))
			return err
		}, cost{1, 0}},
		{"AccountGrants", func() error {
			return onlyError(store.AccountGrants(t.Context(), keyOf("").ClientID, accountID))
		}, cost{1, 0}},
		{"EraseGrants", func() error { return store.EraseGrants(t.Context(), accountID) }, cost{1, 2}},
	} {
		m.cost = cost{}
		require.NoError(t, step.do(), step.what)
		if step.want != m.cost {
			t.Errorf("%s took %+v", step.what, m.cost)
		}
	}
}
