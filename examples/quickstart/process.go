package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

const clientSecret = "quickstart-secret"

// process is the backend, running.
type process struct {
	url   string
	cmd   *exec.Cmd
	stdin io.Closer // the backend ends when this does
}

// start starts the backend and waits until it listens.
func start(ctx context.Context, log io.Writer, args ...string) (*process, error) {
	cmd, err := command(ctx, "backend", args...)
	if err != nil {
		return nil, err
	}
	cmd.Env = append(os.Environ(), secretVariable+"="+clientSecret)
	cmd.Stderr = log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, stdin: stdin}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		p.kill()
		return nil, fmt.Errorf("the backend did not start: %w", err)
	}
	p.url = strings.TrimSpace(line)
	return p, nil
}

// command is this program again, with other arguments.
func command(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return exec.CommandContext(ctx, program, append([]string{name}, args...)...), nil
}

// stop lets the backend finish, and expects that it does so without an error.
func (p *process) stop() error {
	p.stdin.Close()
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("the backend did not end well: %w", err)
	}
	return nil
}

// kill ends the backend at once, in the middle of whatever it does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended before
	_ = p.cmd.Wait()         // says that it was killed
}
