package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

// What the release configuration names exists, and the command builds for other systems.
func TestRelease(t *testing.T) {
	const root = "../.."
	var config struct {
		Builds []struct {
			Dir, Main                         string
			Env, Goos, Goarch, Flags, Ldflags []string
		}
		Archives []struct{ Files []any }
	}
	file, err := os.ReadFile(root + "/.goreleaser.yaml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(file, &config))
	require.Len(t, config.Archives[0].Files, 4)
	for _, file := range config.Archives[0].Files {
		if entry, ok := file.(map[string]any); ok {
			file = entry["src"]
		}
		require.FileExists(t, filepath.Join(root, file.(string)))
	}

	build := config.Builds[0]
	require.Equal(t, []string{releaseFlags}, build.Ldflags, "the tests run what is released")
	require.Len(t, build.Goos, 3)
	require.Len(t, build.Goarch, 2)
	if testing.Short() {
		return // a first build takes a minute for each system
	}
	args := slices.Concat([]string{"build", "-o", filepath.Join(t.TempDir(), "alexaevents"), "-ldflags=" + releaseFlags}, build.Flags, []string{"-buildvcs=false", build.Main})
	for _, system := range build.Goos {
		if system == runtime.GOOS { // TestMain has built it
			continue
		}
		command := exec.Command("go", args...)
		command.Dir = filepath.Join(root, build.Dir)
		command.Env = slices.Concat(os.Environ(), build.Env, []string{"GOOS=" + system, "GOARCH=" + build.Goarch[len(build.Goarch)-1]})
		output, err := command.CombinedOutput()
		require.NoError(t, err, system+": "+strings.TrimSpace(string(output)))
	}
}
