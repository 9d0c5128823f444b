package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each folder builds and passes its tests as a module of its own, after it was
// copied out of this repository.
func TestCopiedFolders(t *testing.T) {
	if testing.Short() {
		t.Skip("a short run copies no folder")
	}
	t.Parallel()
	repository, err := filepath.Abs("..")
	require.NoError(t, err)
	programs, err := filepath.Glob("*/main.go")
	require.NoError(t, err)
	require.NotEmpty(t, programs)
	folders := []string{"quickstart/backend"}
	for _, file := range programs {
		folders = append(folders, filepath.Dir(file))
	}
	for _, folder := range folders {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			copied := t.TempDir()
			require.NoError(t, os.CopyFS(copied, os.DirFS(folder)))
			run := func(args ...string) {
				cmd := exec.CommandContext(t.Context(), "go", args...)
				cmd.Dir = copied
				cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off")
				output, err := cmd.CombinedOutput()
				require.NoError(t, err, "go %s\n%s", strings.Join(args, " "), output)
			}
			// A folder without a module of its own gets the requirements of this one, so that
			// it needs no network.
			for _, name := range []string{"go.mod", "go.sum"} {
				if _, err := os.Stat(filepath.Join(copied, name)); err == nil {
					continue
				}
				text, err := os.ReadFile(name)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(filepath.Join(copied, name), text, 0o600))
			}
			run("mod", "edit", "-module="+module+"/examples/"+folder,
				"-replace="+module+"="+repository,
				"-replace="+module+"/store/dynamostore="+filepath.Join(repository, "store", "dynamostore"))
			// Vet and TestBrokenBackends check the same files in place.
			run("test", "-vet=off", "-skip=TestBrokenBackends", "./...")
		})
	}
}
