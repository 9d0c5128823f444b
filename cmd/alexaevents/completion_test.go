package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		got := run(t, "", "completion", shell)
		require.Zero(t, got.code)
		require.Contains(t, got.out, "alexaevents")
	}
	require.Contains(t, run(t, "", "__complete", "send", "Skill").out, "SkillAccountLinked\n")
	require.Contains(t, run(t, "", "__complete", "customer", "anna", "").out, "enable\nlink\n")
	require.Contains(t, run(t, "", "__complete", "cloud", "").out, "journal\t")
}

const bashCompletion = "/usr/share/bash-completion/bash_completion"

// Each shell completes an argument after it has loaded the script, as its help says. The
// script of zsh types into a terminal, since zsh completes nowhere else.
func TestShells(t *testing.T) {
	for shell, test := range map[string]struct{ script, want string }{
		"bash": {`
			source ` + bashCompletion + `
			source <(alexaevents completion bash)
			compopt() { :; } # it works at a prompt alone
			COMP_WORDS=(alexaevents customer anna disa) COMP_CWORD=3 COMP_LINE="${COMP_WORDS[*]}" COMP_POINT=${#COMP_LINE} COMP_TYPE=9
			__start_alexaevents
			echo "${COMPREPLY[@]}"`, "disable"},
		"zsh": {`
			zmodload zsh/zpty
			zpty terminal zsh -f -i
			zpty -w terminal 'autoload -U compinit; compinit -u -D; source <(alexaevents completion zsh)'
			zpty -w -n terminal $'alexaevents customer anna disa\t'
			zpty -r terminal shown '*disable*' && echo disable`, "disable"},
		"fish": {`
			alexaevents completion fish | source
			complete --do-complete 'alexaevents customer anna disa'`, "disable"},
	} {
		t.Run(shell, func(t *testing.T) {
			needProgram(t, shell)
			if shell == "bash" {
				_, err := os.Stat(bashCompletion)
				need(t, err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // nothing completes
			defer cancel()
			command := exec.CommandContext(ctx, shell, "-c", test.script)
			command.Env = append(os.Environ(), "HOME="+t.TempDir(), "TERM=dumb", "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"))
			out, err := command.CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Equal(t, test.want+"\n", string(out))
		})
	}
}
