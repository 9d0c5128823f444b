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

// Fault is a simulated failure of Amazon. The zero value has no effect on a response.
type Fault struct {
	URL   string // prefix of the URLs that fail; empty is every URL
	Times int    // number of requests that fail; zero is one, a negative number all

	Delay time.Duration // delay of the response, unless the request's context ends before

	// Status replaces the response by one with this status. The request has no
	// effect. Zero keeps the real response.
	Status int
	Code   string      // error code in the replaced response, in the format of the host
	Header http.Header // headers of the replaced response, such as Retry-After
	Body   string      // body of the replaced response; empty is one in the format of the host

	Reset    bool // the connection breaks before the request has an effect
	Lost     bool // the connection breaks after the request had its effect, before the response
	Truncate bool // the connection breaks in the middle of the response body
}

// Fail adds a fault. A request gets the first fault, in the order of the calls, that
// matches and has times left. It panics if the fault has Code, Header or Body, but no
// Status.
func (c *Cloud) Fail(fault Fault) {
	if fault.Status == 0 && (fault.Code != "" || fault.Header != nil || fault.Body != "") {
		panic(invalid("a fault with Code, Header or Body needs a Status"))
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

// Faults returns the faults that have times left, with the number of those.
func (c *Cloud) Faults() (faults []Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, fault := range c.faults {
		if fault.Times != 0 {
			faults = append(faults, *fault)
		}
	}
	return faults
}

// takeFault returns the fault for a request to the URL, if any.
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

// apply applies the fault to a request; genuine returns the real response.
func (f *Fault) apply(r *http.Request, genuine func() *http.Response) (*http.Response, error) {
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
		response = genuine()
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
		response = loginError(r, f.Status, f.Code, "An error that the test requested")
	case r.URL.Path == "/v3/events":
		response = exception(r, f.Status, f.Code, "An error that the test requested.")
	default:
		response = respondJSON(r, f.Status, members{"code": f.Code, "message": "An error that the test requested"})
	}
	for name, values := range f.Header {
		response.Header[http.CanonicalHeaderKey(name)] = values
	}
	return response
}

// errReset is the error of net/http for a connection that the other side resets.
var errReset = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}

// broken is the rest of a truncated body.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
