package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/alexaevents/alexaevents/lwa"
)

// parseRedirect returns a redirect URL on this machine.
func parseRedirect(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || u.Port() == "" {
		return nil, usage("--redirect: not a URL such as %s", defaultRedirect)
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, usage("--redirect: not on this machine: %s; for a person elsewhere: alexaevents login invite", u.Host)
	}
	u.Path = cmp.Or(u.Path, "/")
	return u, nil
}

// listenRedirect listens at the redirect URL, and sets its port if that is 0.
func listenRedirect(ctx context.Context, redirect *url.URL) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", redirect.Host)
	if err != nil {
		return nil, &exitError{exitFailed, err.Error(), "another port, which the security profile must allow: --redirect"}
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return nil, failed(err)
	}
	redirect.Host = net.JoinHostPort(redirect.Hostname(), port)
	return l, nil
}

// receiveRedirect gives the query of the browser's request to exchange, which refuses
// requests that do not belong to the login with lwa.ErrCallback. It closes the listener.
func receiveRedirect(ctx context.Context, l net.Listener, path string, exchange func(url.Values) error) error {
	done := make(chan error, 1)
	one := make(chan struct{}, 1) // one request at a time
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != path {
			http.NotFound(w, r)
			return
		}
		one <- struct{}{}
		defer func() { <-one }()
		err := exchange(r.URL.Query())
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		switch {
		case errors.Is(err, lwa.ErrCallback):
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintln(w, "This does not belong to the login that waits.")
			return
		case err != nil:
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprintln(w, "The login failed. The terminal says why.")
		default:
			fmt.Fprintln(w, "You are logged in. You can close this window.")
		}
		select {
		case done <- err:
		default:
		}
	})
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }()
	timer := time.NewTimer(loginTime)
	defer timer.Stop()
	select {
	case err := <-done:
		ending, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_ = server.Shutdown(ending) // the browser gets its page
		return err
	case <-timer.C:
		server.Close()
		return &exitError{exitFailed, fmt.Sprintf("nobody consented within %s", loginTime), ""}
	case <-ctx.Done():
		server.Close()
		return ctx.Err()
	}
}

// openBrowser opens the URL in the person's browser. The error says that there is none.
func openBrowser(url string) error {
	var name string
	var args []string
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler"}
	default:
		name = "xdg-open"
		if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
			return errors.New("no display")
		}
	}
	if os.Getenv("SSH_CONNECTION") != "" {
		return errors.New("the person is elsewhere")
	}
	browser := exec.Command(name, append(args, url)...) //nolint:noctx // it outlives the command
	if err := browser.Start(); err != nil {
		return err
	}
	go func() { _ = browser.Wait() }()
	return nil
}
