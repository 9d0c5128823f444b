package alexaevents_test

import (
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// A program that uses this module downloads every module that go.mod requires. Add a
// new one here first.
func TestRequirements(t *testing.T) {
	allowed := []string{
		"github.com/cenkalti/backoff/v5",
		"github.com/golang-jwt/jwt/v5",
		"github.com/google/uuid",
		"golang.org/x/oauth2",
		"golang.org/x/sync",

		// for tests
		"github.com/google/go-cmp",
		"github.com/stretchr/testify",
		"go.yaml.in/yaml/v3", // testify's own
		"pgregory.net/rapid",
	}
	output, err := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json").Output()
	require.NoError(t, err)
	var module struct {
		Require []struct{ Path string }
		Replace []struct{ Old struct{ Path string } }
	}
	require.NoError(t, json.Unmarshal(output, &module))
	require.NotEmpty(t, module.Require)
	for _, required := range module.Require {
		require.Contains(t, allowed, required.Path)
	}
	require.Empty(t, module.Replace, "users of the module do not get its replacements")
}
