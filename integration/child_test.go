package integration

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

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
