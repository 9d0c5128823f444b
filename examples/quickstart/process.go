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

// process is a running backend.
type process struct {
	url   string
	cmd   *exec.Cmd
	stdin io.Closer // the backend ends when this is closed
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

// command returns this program, with other arguments.
func command(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return exec.CommandContext(ctx, program, append([]string{name}, args...)...), nil
}

// stop ends the backend gracefully, and expects exit code 0.
func (p *process) stop() error {
	p.stdin.Close()
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("the backend failed when it stopped: %w", err)
	}
	return nil
}

// kill ends the backend at once, without a graceful stop.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // may have ended before
	_ = p.cmd.Wait()         // the error says that it was killed
}

// checkLog stops the backend, and expects a record of each refusal in its log, and no
// personal data.
func (s *scenario) checkLog(context.Context) error {
	if err := s.stopBackend(); err != nil {
		return err
	}
	log := s.log.String()
	if got := strings.Count(log, "refused a request") + strings.Count(log, "refused a message"); got != s.refusals {
		return fmt.Errorf("expected %d refusals in the log, got %d", s.refusals, got)
	}
	for _, token := range s.auth.issued {
		if strings.Contains(log, token) {
			return errors.New("the log contains an access token")
		}
	}
	for _, secret := range append(s.codes, clientSecret, "Atza|", "Atzr|") { // the prefixes of Amazon's tokens
		if strings.Contains(log, secret) {
			return errors.New("the log contains a secret of Login with Amazon")
		}
	}
	for name, row := range s.want {
		if strings.Contains(log, row.AmazonUserID) {
			return errors.New("the log contains the user ID of " + name)
		}
	}
	if account := regexp.MustCompile(`\b(ada|hopper|vincent|alan)\b`).FindString(log); account != "" {
		return errors.New("the log contains the account " + account)
	}
	s.printf("✓ the log has %d refusals, and no token, secret, user ID or account", s.refusals)
	return nil
}
