package cloud

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageStyle string
	//go:embed page.js
	pageScript string
)

// How much a page shows.
const (
	pageEntries    = 100
	pageCustomers  = 100
	pageDeliveries = 20
)

// pageFormat is what all pages have in common.
type pageFormat struct {
	templates *template.Template
	policy    string // Content-Security-Policy: this style and this script alone
}

// loadPage parses the templates when a page is first requested.
var loadPage = sync.OnceValue(func() pageFormat {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	functions := template.FuncMap{"pretty": pretty, "address": address}
	return pageFormat{
		templates: template.Must(template.New("").Funcs(functions).Parse(pageHTML)),
		policy: "default-src 'none'; style-src " + hash(pageStyle) + "; script-src " + hash(pageScript) +
			"; connect-src 'self'; form-action 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
	}
})

// pageView is what the templates show.
type pageView struct {
	pageState
	Style                 template.CSS
	Script                template.JS
	Skill, To, Directives string
	Problem               string // why a form was refused
	Events, Kinds         []string
	Regions               []alexaevents.Region
	Places                []place

	Filter  Filter
	Entries []pageEntry // newest first
	Newest  bool        // whether the newest entries are shown
	Older   string      // URL of older entries; empty without any
	Stream  string      // URL of changes; empty on a page of older entries
}

// pageState is what changes beside the journal.
type pageState struct {
	Customers     []pageCustomer
	MoreCustomers int  // number of those that the page does not show
	CanGrant      bool // whether there is a backend for directives
	Faults        []pageFault
	Topics        []Topic
	Subscribers   []alexatest.Subscriber
	Subscriptions []alexatest.Subscription
	Deliveries    []alexatest.Delivered // newest first
}

// page adds the page and its forms.
func (s *Server) page(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { s.writePage(w, r, nil) })
	mux.HandleFunc("GET /_page/stream", s.stream)
	for path, submit := range s.forms() {
		mux.HandleFunc("POST /_page/"+path, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
			if err := r.ParseForm(); err != nil {
				s.writePage(w, r, badInput("the form: %s", err))
				return
			}
			entry, err := submit(r)
			s.journal.wake()
			switch {
			case err != nil:
				s.writePage(w, r, err)
			case entry.ID != 0:
				http.Redirect(w, r, "/#"+entryID(entry.ID), http.StatusSeeOther)
			default:
				http.Redirect(w, r, "/", http.StatusSeeOther)
			}
		})
	}
}

// writePage writes the page, with the reason why a form was refused.
func (s *Server) writePage(w http.ResponseWriter, r *http.Request, problem error) {
	view, err := s.pageView(r)
	if problem == nil {
		problem = err
	}
	status := http.StatusOK
	if problem != nil {
		view.Problem = problem.Error()
		status, _ = errorBody(problem)
	}
	var page bytes.Buffer
	if err := loadPage().templates.ExecuteTemplate(&page, "page", view); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", loadPage().policy)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(page.Bytes())
}

// pageView returns the page that the URL asks for. Its error is one of the URL.
func (s *Server) pageView(r *http.Request) (pageView, error) {
	view := pageView{
		pageState: s.pageState(),
		Style:     template.CSS(pageStyle), //nolint:gosec // embedded
		Script:    template.JS(pageScript), //nolint:gosec // embedded
		Skill:     s.config.Skill, To: redactURL(s.config.To), Directives: redactURL(s.config.Directives),
		Events: EventNames(), Kinds: kinds, Places: places,
		Regions: []alexaevents.Region{alexaevents.NorthAmerica, alexaevents.Europe, alexaevents.FarEast},
	}
	query := r.URL.Query()
	before, err := 0, error(nil)
	if text := query.Get("before"); text != "" {
		if before, err = strconv.Atoi(text); err != nil {
			err = badInput("before: not the ID of an entry: %q", text)
		}
	}
	filter := Filter{Kind: query.Get("kind"), Customer: query.Get("customer")}
	x := s.journal.extract(filter, before, pageEntries)
	link := func(path, name, value string) string {
		query := url.Values{name: {value}}
		if filter.Kind != "" {
			query.Set("kind", filter.Kind)
		}
		if filter.Customer != "" {
			query.Set("customer", filter.Customer)
		}
		return path + "?" + query.Encode()
	}
	view.Filter, view.Entries, view.Newest = filter, pageEntriesOf(x.entries), before == 0
	if view.Newest {
		view.Stream = link("/_page/stream", "from", position{x.epoch, x.last}.String())
	}
	if x.more {
		view.Older = link("/", "before", strconv.Itoa(x.entries[len(x.entries)-1].ID))
	}
	return view, err
}

// kinds are the kinds of entries that the page can filter.
var kinds = []string{
	kindEvent, kindDirective, kindNotification, kindForgery, kindToken, kindGateway, kindCertificate, kindSNS, kindAPI, kindOther,
}

func (s *Server) pageState() pageState {
	grants := make(map[string]alexatest.Grant)
	for _, g := range s.amazon.Grants() {
		if len(g.Scopes) == 0 {
			grants[g.Customer] = g // the newest
		}
	}
	state := pageState{
		CanGrant: s.config.Directives != "", Topics: s.listTopics(),
		Subscribers: s.amazon.Subscribers(), Subscriptions: s.amazon.Subscriptions(),
	}
	customers := s.listCustomers()
	for _, c := range customers[:min(len(customers), pageCustomers)] {
		grant, ok := grants[c.Name]
		state.Customers = append(state.Customers, pageCustomer{c, grantWords(grant, ok && c.Granted)})
	}
	state.MoreCustomers = len(customers) - len(state.Customers)
	for _, f := range s.listFaults() {
		state.Faults = append(state.Faults, pageFault{f})
	}
	deliveries := s.amazon.Delivered()
	slices.Reverse(deliveries)
	state.Deliveries = deliveries[:min(len(deliveries), pageDeliveries)]
	return state
}

// pageCustomer is a customer with the state of the newest grant.
type pageCustomer struct {
	Customer
	Grant string
}

// Key is the name in IDs of HTML.
func (c pageCustomer) Key() string { return url.QueryEscape(c.Name) }

// HasGrant reports whether the backend can send events to the gateway.
func (c pageCustomer) HasGrant() bool { return c.Grant == eventsGranted }

const eventsGranted = "events granted"

func grantWords(g alexatest.Grant, granted bool) string {
	switch {
	case !granted:
		return "no grant"
	case g.Revoked:
		return "grant revoked"
	case g.ClientID == "":
		return "code not exchanged"
	}
	return eventsGranted
}

type pageFault struct{ Fault }

// Effect says what the fault does.
func (f pageFault) Effect() string {
	switch {
	case f.Reset:
		return "connection reset"
	case f.Lost:
		return "response lost"
	case f.Truncate:
		return "response truncated"
	case f.Status != 0 && f.Delay != "":
		return fmt.Sprintf("status %d after %s", f.Status, f.Delay)
	case f.Status != 0:
		return fmt.Sprintf("status %d", f.Status)
	}
	return "delay of " + f.Delay
}

// Requests says how many requests fail.
func (f pageFault) Requests() string {
	switch {
	case f.Times < 0:
		return "all requests"
	case f.Times <= 1:
		return "the next request"
	}
	return fmt.Sprintf("the next %d requests", f.Times)
}

// pageEntry is an entry of the journal with what it means.
type pageEntry struct{ Entry }

func pageEntriesOf(entries []Entry) (list []pageEntry) {
	for _, e := range entries {
		list = append(list, pageEntry{e})
	}
	return list
}

func entryID(id int) string { return "e" + strconv.Itoa(id) }

// HTMLID is the ID in HTML.
func (e pageEntry) HTMLID() string { return entryID(e.ID) }

// ToBackend reports whether Amazon made the request.
func (e pageEntry) ToBackend() bool { return e.Direction == toBackend }

// Way names who makes the request to whom.
func (e pageEntry) Way() string {
	switch {
	case !e.ToBackend():
		return "backend → Amazon"
	case e.Kind == kindSNS, e.Kind == kindNotification:
		return "SNS → backend"
	case e.Kind == kindForgery && e.Name != Genuine:
		return "forger → backend"
	}
	return "Alexa → backend"
}

// Title names the request, in parts between which a line can break.
func (e pageEntry) Title() []string {
	title := e.Name
	if title == "" {
		title = e.Method + " " + address(e.URL)
	}
	return titleParts.FindAllString(title, -1)
}

var titleParts = regexp.MustCompile(`[^./]+[./]*|[./]+`)

// CanRepeat reports whether the entry can be sent again.
func (e pageEntry) CanRepeat() bool {
	return e.Kind == kindEvent || e.Kind == kindDirective || e.Kind == kindNotification
}

// Outcome says in words what the status means.
func (e pageEntry) Outcome() string {
	switch {
	case e.Status == 0:
		return "no response"
	case e.Status < http.StatusMultipleChoices:
		return "accepted"
	case e.Status == http.StatusTooManyRequests:
		return "throttled"
	case e.Status < http.StatusInternalServerError:
		return "refused"
	}
	return "failed"
}

// Class is the colour of the outcome. A forgery must be refused.
func (e pageEntry) Class() string {
	forgery := e.Kind == kindForgery && e.Name != Genuine
	switch outcome := e.Outcome(); {
	case outcome == "accepted" && !forgery, outcome == "refused" && forgery:
		return "good"
	case outcome == "refused", outcome == "throttled":
		return "warn"
	}
	return "bad"
}

// Advice says what to check.
func (e pageEntry) Advice() string {
	if !e.ToBackend() || e.Kind == kindForgery {
		return ""
	}
	return e.Hint()
}

// pretty indents JSON and puts each parameter of a form on a line.
func pretty(text string) string {
	var out bytes.Buffer
	if json.Indent(&out, []byte(text), "", "  ") == nil {
		return out.String()
	}
	if strings.ContainsAny(text, " \n{<") || !strings.Contains(text, "=") {
		return text
	}
	var lines []string
	for pair := range strings.SplitSeq(text, "&") {
		line, err := url.QueryUnescape(pair)
		if err != nil {
			return text
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// address shortens a URL.
func address(rawURL string) string {
	return strings.TrimPrefix(strings.TrimPrefix(rawURL, "https://"), "http://")
}
