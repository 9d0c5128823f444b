package main

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMain lets the test binary be the program, which starts itself in other roles.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-role" || os.Getenv("FLEET_DEMO") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestFleet(t *testing.T) {
	demo := exec.CommandContext(t.Context(), os.Args[0], "-changes", "100")
	demo.Env = append(os.Environ(), "FLEET_DEMO=1")
	output, err := demo.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Contains(t, string(output), "The last state of every lamp arrived")
}
