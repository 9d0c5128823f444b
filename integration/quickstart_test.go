package integration

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// buildQuickstart returns the program of examples/quickstart.
func buildQuickstart(t *testing.T) (path string) {
	path = filepath.Join(t.TempDir(), "quickstart")
	output, err := exec.CommandContext(t.Context(), "go", "build", "-C", "../examples", "-o", path, "./quickstart").CombinedOutput()
	require.NoError(t, err, "%s", output)
	return path
}

// quickstart returns the process of the quickstart's backend, on that database.
func quickstart(ctx context.Context, path string, a *alexa, d database) *exec.Cmd {
	name := d.Source
	if d.Dialect == sqlstore.SQLite {
		name, _, _ = strings.Cut(strings.TrimPrefix(d.Source, "file:"), "?")
	}
	return exec.CommandContext(ctx, path, append([]string{"backend", "-db", name}, a.flags...)...)
}
