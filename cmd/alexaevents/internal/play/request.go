package play

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	neturl "net/url"
	"strings"
	"time"
)

// request is an HTTP request to the backend, such as one of its own app.
type request struct {
	Expect  `yaml:",inline"`
	Headers map[string]string `yaml:"headers"`
	JSON    any               `yaml:"json"`
}

func (q *request) run(ctx context.Context, r *run, s *step) error {
	url, err := r.url(s, s.value, false)
	if err != nil {
		return err
	}
	status, body, err := q.send(ctx, strings.ToUpper(s.kind), url)
	if err != nil && (q.Status == nil || *q.Status != 0) {
		if e, ok := errors.AsType[*neturl.Error](err); ok {
			err = e.Err // without the URL, which may have a secret
		}
		return s.at("", "no response: %s", err)
	}
	return q.response(s, status, body)
}

// backends uses no proxy, and follows no redirect.
var backends = &http.Client{
	Timeout:       30 * time.Second,
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (q *request) send(ctx context.Context, method, url string) (status int, body string, err error) {
	var content io.Reader
	if q.JSON != nil {
		data, err := json.Marshal(q.JSON)
		if err != nil {
			return 0, "", err
		}
		content = bytes.NewReader(data)
	}
	out, err := http.NewRequestWithContext(ctx, method, url, content)
	if err != nil {
		return 0, "", err
	}
	if q.JSON != nil {
		out.Header.Set("Content-Type", "application/json")
	}
	for name, value := range q.Headers {
		out.Header.Set(name, value)
	}
	response, err := backends.Do(out)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return response.StatusCode, string(data), err
}

// get is a request for the state of the backend. With Within it is repeated until the
// response is as expected.
type get struct {
	Expect  `yaml:",inline"`
	Headers map[string]string `yaml:"headers"`
	Within  time.Duration     `yaml:"within"`
}

func (g *get) check(s *step) error {
	if g.Within < 0 {
		return s.at("within", "within: less than zero")
	}
	return g.Expect.check(s)
}

func (g *get) run(ctx context.Context, r *run, s *step) error {
	end := time.Now().Add(g.Within)
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	for {
		err := (&request{Expect: g.Expect, Headers: g.Headers}).run(ctx, r, s)
		if err == nil || !time.Now().Before(end) {
			return err
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
