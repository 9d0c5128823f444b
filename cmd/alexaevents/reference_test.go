package main

import (
	"bytes"
	"flag"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write reference.md and alexaevents.1")

// The reference and the manual page are the help of the program.
func TestReference(t *testing.T) {
	t.Setenv("ALEXAEVENTS_CLOUD", "")
	root := (&app{out: io.Discard, err: io.Discard}).command()
	commands := new(bytes.Buffer)
	describe(commands, root)
	page := "% ALEXAEVENTS 1\n\n# NAME\n\nalexaevents - " + root.Short + "\n\n# DESCRIPTION\n\n" +
		strings.TrimPrefix(commands.String(), "## alexaevents\n\n")
	for name, want := range map[string]string{
		"reference.md":  "# Commands\n\nThis is the help of each command; `go generate` writes it. Every command has the flags\n--cloud and --json. `alexaevents completion --help` sets up your shell.\n\n" + commands.String(),
		"alexaevents.1": string(md2man.Render([]byte(page))),
	} {
		if *update {
			require.NoError(t, os.WriteFile(name, []byte(want), 0o600))
		}
		have, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, want, string(have), "the help changed: run go generate")
	}
}

// describe writes the help of a command and of those below it as Markdown.
func describe(w *bytes.Buffer, c *cobra.Command) {
	paragraph := func(title, text string) {
		if text = strings.Trim(text, "\n"); text != "" {
			w.WriteString(title + text + "\n\n")
		}
	}
	code := func(text, indent string) string { // of lines with an indent
		text = strings.Trim(text, "\n")
		return strings.ReplaceAll("\n"+text, "\n"+indent, "\n    ")
	}
	paragraph("## ", c.CommandPath())
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	paragraph("", strings.ReplaceAll(text, "\n  ", "\n    ")) // lists as code
	if c.Runnable() {
		paragraph("", code(c.UseLine(), ""))
	}
	paragraph("Examples:\n\n", code(c.Example, "  "))
	paragraph("Flags:\n\n", code(c.LocalFlags().FlagUsages(), "      "))
	for _, child := range c.Commands() {
		if child.IsAvailableCommand() || child.IsAdditionalHelpTopicCommand() {
			describe(w, child)
		}
	}
}
