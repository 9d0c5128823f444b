package integration

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// errandName is the environment variable that makes the test binary a second
// process, which runs an errand and nothing else.
const errandName = "ALEXAEVENTS_TEST_ERRAND"

// errand is what another process is to do: one of these.
type errand struct {
	Writing  *writing     `json:",omitempty"`
	Keeping  *keeping     `json:",omitempty"`
	Hasty    *hasty       `json:",omitempty"`
	Crashing *crashing    `json:",omitempty"`
	Locking  *locking     `json:",omitempty"`
	Crowd    *crowd       `json:",omitempty"`
	Attacked *attacked    `json:",omitempty"`
	Version2 *version2    `json:",omitempty"`
	Chaos    *chaosSender `json:",omitempty"`
}

func (e errand) run(ctx context.Context, out io.Writer) error {
	switch {
	case e.Writing != nil:
		return e.Writing.run(ctx, out)
	case e.Keeping != nil:
		return e.Keeping.run(ctx, out)
	case e.Hasty != nil:
		return e.Hasty.run(ctx, out)
	case e.Attacked != nil:
		return e.Attacked.run(ctx, out)
	case e.Crashing != nil:
		return e.Crashing.run(ctx, out)
	case e.Version2 != nil:
		return e.Version2.run(ctx, out)
	case e.Crowd != nil:
		return e.Crowd.run(ctx, out)
	case e.Chaos != nil:
		return e.Chaos.run(ctx, out)
	default:
		return e.Locking.run(ctx, out)
	}
}

func TestMain(m *testing.M) {
	text := os.Getenv(errandName)
	if text == "" {
		code := m.Run()
		if postgres.server != nil {
			if err := postgres.server.stop(); err != nil {
				fmt.Fprintln(os.Stderr, "PostgreSQL:", err)
				code = 1
			}
		}
		os.Exit(code)
	}
	var e errand
	err := json.Unmarshal([]byte(text), &e)
	if err == nil {
		err = e.run(context.Background(), os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// command returns a process that runs the errand.
func (e errand) command(t *testing.T) *exec.Cmd {
	text, err := json.Marshal(e)
	require.NoError(t, err)
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), errandName+"="+string(text))
	return command
}

// atOnce runs the errand in several processes and returns what each printed, and
// their process IDs.
func (e errand) atOnce(t *testing.T, processes int) (outputs [][]byte, pids []int) {
	commands := make([]*exec.Cmd, processes)
	printed := make([]struct{ out, err bytes.Buffer }, processes)
	for i := range commands {
		commands[i] = e.command(t)
		commands[i].Stdout, commands[i].Stderr = &printed[i].out, &printed[i].err
		require.NoError(t, commands[i].Start())
	}
	for i, command := range commands {
		err := command.Wait()
		require.NoError(t, err, "%s", &printed[i].err)
		outputs = append(outputs, printed[i].out.Bytes())
		pids = append(pids, command.Process.Pid)
	}
	return outputs, pids
}

// process is another process, which prints lines and lives no longer than its
// input.
type process struct {
	command *exec.Cmd
	input   io.Closer
	output  *bufio.Reader
	log     bytes.Buffer // what it wrote to standard error, once it has ended
}

func startProcess(command *exec.Cmd) (*process, error) {
	p := &process{command: command}
	command.Stderr = &p.log
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.output = bufio.NewReader(output)
	if p.input, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	return p, command.Start()
}

// untilInputEnds is what such a process waits for.
func untilInputEnds() { _, _ = io.Copy(io.Discard, os.Stdin) }

// line waits for the next line.
func (p *process) line() (string, error) {
	line, err := p.output.ReadString('\n')
	if err != nil {
		ended := p.command.Wait()
		return "", fmt.Errorf("the process ended without a word: %w: %w: %s", err, ended, &p.log)
	}
	return strings.TrimSuffix(line, "\n"), nil
}

// kill kills the process, which must still live. What it printed that nobody
// read is the answer.
func (p *process) kill() (printed []byte, err error) {
	_ = p.command.Process.Kill()
	printed, _ = io.ReadAll(p.output)
	_ = p.command.Wait()
	if code := p.command.ProcessState.ExitCode(); code != -1 {
		return nil, fmt.Errorf("the process ended by itself, with %d: %s", code, &p.log)
	}
	return printed, nil
}
