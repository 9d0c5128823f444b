package alexatest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/alexaevents/alexaevents"
)

// api is one of Amazon's REST APIs for developers. They share the host of North America.
type api struct {
	root       string               // prefix of its paths
	scope      string               // prefix of the required scope
	regional   bool                 // whether the hosts of other regions serve it too
	operations map[string]operation // by method and path below root; a path that ends in / is followed by an ID
}

type operation func(call) *http.Response

// call is a request with a valid access token.
type call struct {
	*http.Request
	body   []byte
	caller *authorization
	id     string // ID at the end of the path
}

// respondAPI returns nil for an unknown operation. The lock is held.
func (c *Cloud) respondAPI(r *http.Request, body []byte) *http.Response {
	for _, api := range c.apis {
		path, ok := strings.CutPrefix(r.URL.Path, api.root)
		kind, id, one := strings.Cut(path, "/")
		if one {
			kind += "/"
		}
		operation := api.operations[r.Method+" "+kind]
		elsewhere := !api.regional && "https://"+r.URL.Host != alexaevents.NorthAmerica.APIEndpoint()
		if !ok || operation == nil || elsewhere || one && id == "" {
			continue
		}
		response := unauthorized(r)
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if caller := c.login.authorized(token); api.admits(caller) {
			response = operation(call{r, body, caller, id})
		}
		response.Header.Set("X-Amzn-Requestid", uuid.NewString())
		return response
	}
	return nil
}

// admits reports whether the token's user consented to the scope. The status 401, and
// not 403, for a missing scope is a guess: Amazon's model describes 401 in the words
// of unauthorized.
func (a *api) admits(caller *authorization) bool {
	return caller != nil && caller.customer != "" &&
		slices.ContainsFunc(caller.scopes, func(scope string) bool { return strings.HasPrefix(scope, a.scope) })
}

// refuse responds with an error in the format of these APIs. Their error codes are not
// documented.
func refuse(r *http.Request, status int, message string, violations ...string) *http.Response {
	body := members{"message": message}
	for _, violation := range violations {
		listed, _ := body["violations"].([]members)
		body["violations"] = append(listed, members{"message": violation})
	}
	return respondJSON(r, status, body)
}

func unauthorized(r *http.Request) *http.Response {
	response := refuse(r, http.StatusUnauthorized, "The auth token is invalid or expired, or does not have access to the resource")
	response.Header.Set("Www-Authenticate", "Bearer")
	return response
}

func notFound(c call) *http.Response {
	return refuse(c.Request, http.StatusNotFound, "Resource not found")
}

func forbidden(c call) *http.Response {
	return refuse(c.Request, http.StatusForbidden, "The operation being requested is not allowed")
}

// violations are the rules that a request breaks.
type violations []string

func (v *violations) require(holds bool, format string, values ...any) {
	if !holds {
		*v = append(*v, fmt.Sprintf(format, values...))
	}
}

// refusal returns the response to a request that breaks rules, nil if it breaks none.
func (v violations) refusal(c call) *http.Response {
	if len(v) == 0 {
		return nil
	}
	return refuse(c.Request, http.StatusBadRequest, "Request is not valid", v...)
}

// read decodes and checks the body of a request. It returns the response to an invalid
// one, otherwise nil.
func (c call) read(value any, check func(*violations)) *http.Response {
	var wrong violations
	if err := json.Unmarshal(c.body, value); err != nil {
		wrong = violations{"The body is not JSON of this form: " + err.Error()}
	} else {
		check(&wrong)
	}
	return wrong.refusal(c)
}

// isLength reports whether the text has 1 to 255 characters.
func isLength(text string) bool {
	n := utf8.RuneCountInString(text)
	return 1 <= n && n <= 255
}

const pageTokenLifetime = 24 * time.Hour

// pages are the remaining items of lists, by the token for the next page.
type pages map[string]remainder

type remainder struct {
	list  string // the request without the parameters of the page
	items []any
	until time.Time
}

// page returns the requested page of a list, and the token for the next page, empty
// for the last one. The items are those of the first request. A request may ask for
// up to limit items; it gets at most most, and ten by default.
func (p pages) page(c call, wrong *violations, items []any, limit, most int) (part []any, next string) {
	query := c.URL.Query()
	size := 10
	if query.Has("maxResults") {
		var err error
		size, err = strconv.Atoi(query.Get("maxResults"))
		wrong.require(err == nil && 1 <= size && size <= limit, "maxResults: not a number from 1 to %d", limit)
	}
	token := query.Get("nextToken")
	query.Del("maxResults")
	query.Del("nextToken")
	list := c.caller.customer + " " + c.URL.Path + "?" + query.Encode()
	if token != "" {
		left := p[token]
		wrong.require(left.list == list && time.Now().Before(left.until), "nextToken: not one of this list, or expired")
		items = left.items
	}
	if *wrong != nil {
		return nil, ""
	}
	part = append([]any{}, items[:min(len(items), size, most)]...) // a JSON list even if empty
	if len(part) < len(items) {
		next = rand.Text()
		p[next] = remainder{list, items[len(part):], time.Now().Add(pageTokenLifetime)}
	}
	return part, next
}

// page responds with a page of a list of Smart Properties.
func page(c call, part []any, next string) *http.Response {
	context := members{}
	if next != "" {
		context["nextToken"] = next
	}
	return respondJSON(c.Request, http.StatusOK, members{"paginationContext": context, "results": part})
}
