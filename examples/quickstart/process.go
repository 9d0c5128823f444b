package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
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

func (s *stage) readLog(context.Context) error {
	if err := s.stopBackend(); err != nil {
		return err
	}
	log := s.log.String()
	if told := strings.Count(log, "refused a request") + strings.Count(log, "refused a message"); told != s.refusals {
		return fmt.Errorf("expected %d refusals in the log, got %d", s.refusals, told)
	}
	for _, token := range s.auth.issued {
		if strings.Contains(log, token) {
			return errors.New("the log holds an access token")
		}
	}
	for _, secret := range append(s.codes, clientSecret, "Atza|", "Atzr|") { // so Amazon's tokens begin
		if strings.Contains(log, secret) {
			return errors.New("the log holds a secret that is shared with Amazon")
		}
	}
	for name, row := range s.want {
		if strings.Contains(log, row.AmazonUserID) {
			return errors.New("the log holds the user ID of " + name)
		}
	}
	if account := regexp.MustCompile(`\b(ada|hopper|vincent|alan)\b`).FindString(log); account != "" {
		return errors.New("the log holds the account " + account)
	}
	s.say("✓ it tells of the %d refusals, and holds no token, no secret, no user ID and no account", s.refusals)
	return nil
}
