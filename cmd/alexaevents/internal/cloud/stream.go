package cloud

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// position is what a page knows of the journal.
type position struct {
	epoch string
	last  int
}

func (p position) String() string { return p.epoch + "." + strconv.Itoa(p.last) }

func parsePosition(text string) (p position) {
	epoch, last, _ := strings.Cut(text, ".")
	p.epoch = epoch
	p.last, _ = strconv.Atoi(last)
	return p
}

// streamPause limits how often a busy cloud updates a page.
const streamPause = 100 * time.Millisecond

// stream sends what changes on the page as server-sent events, each with HTML as a JSON
// string: "entries" are new entries of the journal, "journal" replaces them all, and
// "state" is what else changed. It starts at the position "from", or where a browser
// that connects again stopped.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	filter := Filter{Kind: r.URL.Query().Get("kind"), Customer: r.URL.Query().Get("customer")}
	known := parsePosition(cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("from")))
	state := ""
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	for {
		newer := filter
		newer.After = known.last
		x := s.journal.extract(newer, 0, pageEntries)
		event := "entries"
		if x.epoch != known.epoch || x.more {
			x = s.journal.extract(filter, 0, pageEntries)
			event = "journal"
		}
		known = position{x.epoch, x.last}
		var out bytes.Buffer
		if event == "journal" || len(x.entries) > 0 {
			html, err := renderPart("entries", pageView{Entries: pageEntriesOf(x.entries), Newest: true})
			if err != nil {
				return
			}
			fmt.Fprintf(&out, "id: %s\nevent: %s\ndata: %s\n\n", known, event, html)
		}
		html, err := renderPart("state", s.pageState())
		if err != nil {
			return
		}
		if html != state {
			state = html
			fmt.Fprintf(&out, "event: state\ndata: %s\n\n", html)
		}
		if _, err := w.Write(out.Bytes()); err != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		pause := time.After(streamPause)
		select {
		case <-x.changed:
		case <-r.Context().Done():
			return
		}
		select {
		case <-pause:
		case <-r.Context().Done():
			return
		}
	}
}

// renderPart returns a template as a JSON string.
func renderPart(name string, view any) (string, error) {
	var html bytes.Buffer
	if err := loadPage().templates.ExecuteTemplate(&html, name, view); err != nil {
		return "", err
	}
	data, err := json.Marshal(html.String())
	return string(data), err
}
