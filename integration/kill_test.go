package integration

import (
	"flag"
	"os/exec"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	kills = flag.Int("kills", 100, "how often a backend is killed on each kind of database")
	seed  = flag.Uint64("seed", 0, "what decides the events, their order and the moments of the kills; 0 is another one each time")
)

// The quickstart's backend is killed at random moments, while it starts, while it
// makes its schema and while events arrive, and starts again on the same
// database. What it acknowledged is always there, nothing is that was not sent,
// and once every event is acknowledged the customer table is that of all events.
//
// This is the death of a process, not a power failure: what the process wrote
// stays with the kernel.
func TestKills(t *testing.T) {
	program := sync.OnceValue(func() string { return buildQuickstart(t) })
	onEach(t, func(t *testing.T, create newDatabase) {
		path, a := program(), startAlexa(t)
		k := newKilling(t, a, create, func(d database) *exec.Cmd { return quickstart(t.Context(), path, a, d) })
		require.NoError(t, k.run(t.Context(), *kills))
		t.Logf("%d kills, %d of them before the backend listened; %d events acknowledged; "+
			"%d deliveries in flight at a kill; %d events stored, but then without an answer",
			k.done, k.starting, k.acknowledged, k.inFlight, k.unanswered)
		require.Equal(t, *kills, k.done)
		if *kills >= 100 { // else the moments may be too few
			require.Greater(t, k.starting, *kills/10)
			require.Positive(t, k.unanswered)
			require.Greater(t, k.inFlight, k.unanswered)
		}
	})
}

// The test above finds a backend that acknowledges events too early.
func TestKillsOfHasty(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		k := newKilling(t, startAlexa(t), create, func(d database) *exec.Cmd { return errand{Hasty: &hasty{d}}.command(t) })
		require.ErrorContains(t, k.run(t.Context(), *kills), "an acknowledged event is lost")
		t.Logf("found after %d kills", k.done)
	})
}
