package play

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/cloud"
)

// wait waits for entries in the journal. An entry counts in one step alone, so that the
// next step waits for further ones. A count of zero waits the whole time for none, of
// any status unless one is set.
type wait struct {
	Expect   `yaml:",inline"`
	Name     string         `yaml:"name"`
	Customer string         `yaml:"customer"`
	Count    *int           `yaml:"count"`
	Within   *time.Duration `yaml:"within"`
}

const (
	defaultWithin     = 10 * time.Second
	defaultWithinNone = time.Second // for a count of zero
)

// journalKinds are the kinds of entries.
var journalKinds = []string{"certificate", "token", "gateway", "api", "sns", "event", "directive", "notification", "forgery", "other"}

func (w *wait) check(s *step) error {
	switch {
	case !slices.Contains(journalKinds, s.value):
		return s.at("", "wait: not one of %s: %q", strings.Join(journalKinds, ", "), s.value)
	case w.Count != nil && *w.Count < 0:
		return s.at("count", "count: less than zero")
	case w.Within != nil && *w.Within < 0:
		return s.at("within", "within: less than zero")
	}
	return w.Expect.check(s)
}

func (w *wait) run(ctx context.Context, r *run, s *step) error {
	count, within := 1, defaultWithin
	if w.Count != nil {
		count = *w.Count
	}
	if count == 0 {
		within = defaultWithinNone
	}
	if w.Within != nil {
		within = *w.Within
	}
	end := time.Now().Add(within)
	for known := 0; ; {
		entries, err := r.journal(ctx, s.value, known+1, time.Until(end))
		if err != nil {
			return err
		}
		known = len(entries)
		var found, others []cloud.Entry
		for _, e := range entries {
			switch {
			case r.counted[e.ID]:
			case w.reason(&e, count == 0) == "":
				found = append(found, e)
			default:
				others = append(others, e)
			}
		}
		switch {
		case count == 0 && len(found) > 0:
			return s.at("count", "expected none, got %s", describe(&found[0]))
		case count > 0 && len(found) >= count:
			for _, e := range found[:count] {
				r.counted[e.ID] = true
			}
			return nil
		case time.Now().Before(end):
			continue
		case count == 0:
			return nil
		}
		lines := []string{fmt.Sprintf("%d of %d within %s", len(found), count, within)}
		for _, e := range others[max(0, len(others)-5):] {
			lines = append(lines, "got "+describe(&e)+": "+w.reason(&e, false))
		}
		return s.at("", "%s", strings.Join(lines, "; "))
	}
}

// reason says why an entry does not count. It returns "" if it does.
func (w *wait) reason(e *cloud.Entry, anyStatus bool) string {
	switch {
	case w.Name != "" && e.Name != w.Name:
		return "expected name " + w.Name
	case w.Customer != "" && e.Customer != w.Customer:
		return "expected customer " + w.Customer
	case !w.matches(e.Status) && !(anyStatus && w.Status == nil):
		return "expected status " + w.status()
	}
	return differs(e.Request, w.Body)
}

func describe(e *cloud.Entry) string {
	words := []string{e.Kind, e.Name, e.Customer, "status " + strconv.Itoa(e.Status)}
	return strings.Join(slices.DeleteFunc(words, func(word string) bool { return word == "" }), " ")
}

// journal returns the entries of a kind, as soon as there are n of them or the time is
// over.
func (r *run) journal(ctx context.Context, kind string, n int, timeout time.Duration) ([]cloud.Entry, error) {
	q := url.Values{"kind": {kind}, "wait": {strconv.Itoa(n)}, "timeout": {max(timeout, 0).String()}}
	var entries []cloud.Entry
	err := r.Call(ctx, http.MethodGet, "/_cloud/journal?"+q.Encode(), nil, &entries)
	if err != nil && entries != nil {
		return entries, nil // in time there were fewer
	}
	return entries, err
}
