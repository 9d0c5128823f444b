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

// childProcessName is the environment variable that makes the test binary a child
// process.
const childProcessName = "ALEXAEVENTS_TEST_CHILD"

// childProcess is a process of the test binary that runs the one of these that is set.
type childProcess struct {
	Writing        *writing        `json:",omitempty"`
	Keeping        *keeping        `json:",omitempty"`
	AckBeforeStore *ackBeforeStore `json:",omitempty"`
	Crashing       *crashing       `json:",omitempty"`
	Locking        *locking        `json:",omitempty"`
	Crowd          *crowd          `json:",omitempty"`
	Attacked       *attacked       `json:",omitempty"`
	Version2       *version2       `json:",omitempty"`
	Chaos          *chaosSender    `json:",omitempty"`
	Outbox         *outboxChild    `json:",omitempty"`
}

func (c childProcess) run(ctx context.Context, out io.Writer) error {
	switch {
	case c.Writing != nil:
		return c.Writing.run(ctx, out)
	case c.Keeping != nil:
		return c.Keeping.run(ctx, out)
	case c.AckBeforeStore != nil:
		return c.AckBeforeStore.run(ctx, out)
	case c.Attacked != nil:
		return c.Attacked.run(ctx, out)
	case c.Crashing != nil:
		return c.Crashing.run(ctx, out)
	case c.Version2 != nil:
		return c.Version2.run(ctx, out)
	case c.Crowd != nil:
		return c.Crowd.run(ctx, out)
	case c.Chaos != nil:
		return c.Chaos.run(ctx, out)
	case c.Outbox != nil:
		return c.Outbox.run(ctx, out)
	default:
		return c.Locking.run(ctx, out)
	}
}

func TestMain(m *testing.M) {
	text := os.Getenv(childProcessName)
	if text == "" {
		code := m.Run()
		if postgres.server != nil {
			if err := postgres.server.stop(); err != nil {
				fmt.Fprintln(os.Stderr, "PostgreSQL:", err)
				code = 1
			}
		}
		if err := removeCommand(); err != nil {
			fmt.Fprintln(os.Stderr, "the command:", err)
			code = 1
		}
		os.Exit(code)
	}
	var c childProcess
	err := json.Unmarshal([]byte(text), &c)
	if err == nil {
		err = c.run(context.Background(), os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// command returns the command that starts the child process.
func (c childProcess) command(t *testing.T) *exec.Cmd {
	text, err := json.Marshal(c)
	require.NoError(t, err)
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), childProcessName+"="+string(text))
	return command
}

// atOnce starts several child processes and returns what each printed, and their
// process IDs.
func (c childProcess) atOnce(t *testing.T, processes int) (outputs [][]byte, pids []int) {
	commands := make([]*exec.Cmd, processes)
	printed := make([]struct{ out, err bytes.Buffer }, processes)
	for i := range commands {
		commands[i] = c.command(t)
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

// process is a started process that prints lines and ends with its input.
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

// untilInputEnds waits until the parent closes the input or ends.
func untilInputEnds() { _, _ = io.Copy(io.Discard, os.Stdin) }

// line waits for the next line.
func (p *process) line() (string, error) {
	line, err := p.output.ReadString('\n')
	if err != nil {
		ended := p.command.Wait()
		return "", fmt.Errorf("the process ended without a line: %w: %w: %s", err, ended, &p.log)
	}
	return strings.TrimSuffix(line, "\n"), nil
}

// kill kills the process, which must still be running, and returns its unread output.
func (p *process) kill() (printed []byte, err error) {
	_ = p.command.Process.Kill()
	printed, _ = io.ReadAll(p.output)
	_ = p.command.Wait()
	if code := p.command.ProcessState.ExitCode(); code != -1 {
		return nil, fmt.Errorf("the process ended by itself, with %d: %s", code, &p.log)
	}
	return printed, nil
}
