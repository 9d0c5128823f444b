package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The examples of the stores and of the outbox have no database in their own
// modules. Here each becomes a program, which must print what its comment says.
func TestExamples(t *testing.T) {
	t.Parallel()
	for path, replace := range map[string]func(*testing.T) []string{
		"outbox": func(*testing.T) []string {
			return []string{"package outbox_test", "package main\n\nimport _ \"modernc.org/sqlite\""}
		},
		"store/sqlstore": func(*testing.T) []string {
			return []string{"package sqlstore_test", "package main\n\nimport _ \"modernc.org/sqlite\""}
		},
		"store/dynamostore": func(t *testing.T) []string {
			return []string{"package dynamostore_test", "package main", "http://localhost:8000", dynamoEndpoint(t)}
		},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			example, err := os.ReadFile(filepath.Join("..", path, "example_test.go"))
			require.NoError(t, err)
			_, want, found := strings.Cut(string(example), "// It prints:\n")
			require.True(t, found)
			want = regexp.MustCompile(`(?m)^\s*(// |}\n)`).ReplaceAllString(want, "")

			program := strings.NewReplacer(append(replace(t), "func Example()", "func main()")...).Replace(string(example))
			require.NoError(t, os.WriteFile(filepath.Join(folder, "main.go"), []byte(program), 0o600))
			built := filepath.Join(folder, "example")
			output, err := exec.CommandContext(t.Context(), "go", "build", "-o", built, filepath.Join(folder, "main.go")).CombinedOutput()
			require.NoError(t, err, "%s", output)
			command := exec.CommandContext(t.Context(), built)
			command.Dir = folder
			output, err = command.CombinedOutput()
			require.NoError(t, err, "%s", output)
			require.Equal(t, want, string(output))
		})
	}
}
