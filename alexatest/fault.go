package alexatest

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// Fault is a way for Amazon to fail. What is not set does not fail.
type Fault struct {
	URL   string // prefix of the URLs that fail; empty is every URL
	Times int    // how many requests fail; zero is one, less than zero all

	Delay time.Duration // the answer comes this late, unless the caller gives up before

	// Status is the status of another answer than the real one. The request has
	// no other effect. Zero is the real answer.
	Status int
	Code   string      // the host's own code for it: of an OAuth error, an exception of the event gateway, or an error of an API for developers
	Header http.Header // its headers, such as Retry-After
	Body   string      // its body, in place of the host's words

	Reset    bool // the connection breaks before the request has any effect
	Lost     bool // the connection breaks before the answer; the request has its effect
	Truncate bool // the connection breaks in the middle of the answer's body
}

// Fail adds a fault. Faults strike in the order in which they were added. It
// panics if a fault has parts of an answer, but no status.
func (c *Cloud) Fail(fault Fault) {
	if fault.Status == 0 && (fault.Code != "" || fault.Header != nil || fault.Body != "") {
		panic("alexatest: a fault with Code, Header or Body needs a Status")
	}
	if fault.Times == 0 {
		fault.Times = 1
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, &fault)
}

// Heal removes all faults.
func (c *Cloud) Heal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = nil
}

// takeFault returns the fault that strikes a request for the URL, if any.
func (c *Cloud) takeFault(url string) *Fault {
	for _, fault := range c.faults {
		if fault.Times != 0 && strings.HasPrefix(url, fault.URL) {
			if fault.Times > 0 {
				fault.Times--
			}
			return fault
		}
	}
	return nil
}

// strike fails the request; answer makes the answer that it would have had.
func (f *Fault) strike(r *http.Request, answer func() *http.Response) (*http.Response, error) {
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if f.Reset {
		return nil, errReset
	}
	var response *http.Response
	if f.Status != 0 {
		response = f.respond(r)
	} else {
		response = answer()
	}
	if f.Lost {
		return nil, errReset
	}
	if f.Truncate {
		body, err := io.ReadAll(response.Body)
		must(err)
		response.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), broken{}))
	}
	return response, nil
}

func (f *Fault) respond(r *http.Request) *http.Response {
	var response *http.Response
	switch {
	case f.Body != "":
		response = respond(r, f.Status, "text/html", []byte(f.Body))
	case f.Code == "":
		response = respond(r, f.Status, "text/plain", nil)
	case "https://"+r.URL.Host == loginURL:
		response = loginError(r, f.Status, f.Code, "An error that the test asked for")
	case r.URL.Path == "/v3/events":
		response = exception(r, f.Status, f.Code, "An error that the test asked for.")
	default:
		response = respondJSON(r, f.Status, members{"code": f.Code, "message": "An error that the test asked for"})
	}
	for name, values := range f.Header {
		response.Header[http.CanonicalHeaderKey(name)] = values
	}
	return response
}

// errReset is what net/http makes of a connection that the other side resets.
var errReset = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}

// broken is the end of a body that was not sent to its end.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
