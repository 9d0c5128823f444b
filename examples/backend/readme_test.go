package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The program of the README is this one, which compiles.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	program, err := os.ReadFile("main.go")
	require.NoError(t, err)
	_, text, found := strings.Cut(string(program), "\n")
	require.True(t, found)
	require.Contains(t, string(readme), "```go\n"+text+"```")
}
