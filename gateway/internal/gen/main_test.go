package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPropertiesAreUpToDate(t *testing.T) {
	table, err := os.ReadFile("../../properties.json")
	require.NoError(t, err)
	want, err := generate(table)
	require.NoError(t, err)
	got, err := os.ReadFile("../../properties.go")
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "run go generate ./gateway")
}

func TestGenerateRefuses(t *testing.T) {
	for name, table := range map[string]string{
		"no table":       `{}`,
		"unknown column": `[{"func": "A", "unit": "K"}]`,
		"no function":    `[{"interface": "X", "property": "x", "type": "int"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := generate([]byte(table))
			require.Error(t, err)
		})
	}
}
