package skillevents_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/skillevents"
)

// What the simulator sends is what this package decodes: each type has an example
// there, and each value of an example shows in the event.
func TestSimulatedEvents(t *testing.T) {
	require.Equal(t, slices.Sorted(maps.Keys(skillevents.Types)), alexatest.EventTypes())
	customer := &alexatest.Customer{SkillID: "amzn1.ask.skill.s"}
	for _, requestType := range alexatest.EventTypes() {
		requireSame(t, customer.Event(requestType, nil))
	}
	requireSame(t, customer.Enable())
	requireSame(t, customer.Link("token of the account"))
	requireSame(t, customer.Disable())
}
