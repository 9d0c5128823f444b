package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestManifest(t *testing.T) {
	built := run(t, "", "manifest", "build", "--endpoint", "https://backend.example/alexa/events", "--certificate", "Trusted", "--subscribe", "SKILL_ENABLED")
	require.Zero(t, built.code, built.errors)
	got := runInput(t, "", `{"manifest":{"events":`+built.out+`}}`, "manifest", "lint", "-")
	require.Zero(t, got.code, got.out)
	require.NotContains(t, got.out, "error: ")
	got = runInput(t, "", `{"manifest":{}}`, "manifest", "lint", "-", "--json")
	require.Equal(t, exitFailed, got.code)
	require.JSONEq(t, `{"kind":"error","path":"manifest.events","text":"missing: the skill gets no events"}`, got.out)
	require.Equal(t, exitFailed, runInput(t, "", "[]", "manifest", "lint", "-").code)
	require.Equal(t, exitFailed, run(t, "", "manifest", "lint", "missing.json").code)
}
