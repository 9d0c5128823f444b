package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Without a network, all works that needs no account with Amazon: the tests of it pass
// where there is only a loopback interface.
func TestWithoutNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("a short run repeats no tests without a network")
	}
	needProgram(t, "unshare")
	needProgram(t, "ip")
	isolated := func(script string, args ...string) *exec.Cmd {
		return exec.Command("unshare", append([]string{"--map-root-user", "--net", "sh", "-c", "ip link set lo up && " + script, "sh"}, args...)...)
	}
	need(t, isolated("true").Run())
	require.Error(t, isolated("ip route get 192.0.2.1").Run(), "a network")
	tests := []string{"TestState", "TestFaultsAndSnapshot", "TestCustomerAndSend", "TestForge", "TestPrint", "TestVerify", "TestManifest", "TestRun"}
	command := isolated(`exec "$@"`, os.Args[0], "-test.v", "-test.run=^("+strings.Join(tests, "|")+")$")
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, len(tests), strings.Count(string(out), "\n--- PASS: "), "%s", out)
}
