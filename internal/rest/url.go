package rest

import (
	"net/url"
	"path"
	"strconv"
)

// Segment returns an ID as one segment of a path, and false for what cannot be
// one.
func Segment(id string) (segment string, ok bool) {
	return url.PathEscape(id), id != "" && id != "." && id != ".."
}

// LocationID returns the ID of what the request has created: the last segment of
// the Location, be that a URL, a path or the bare ID. It is "" if there is none.
func (a *Answer) LocationID() string {
	location, err := url.Parse(a.Header.Get("Location"))
	if err != nil || location.Path == "" {
		return ""
	}
	if last := path.Base(location.Path); last != "/" && last != "." {
		return last
	}
	return ""
}

// PageQuery adds to a query which page of a list is wanted: of how many items,
// zero leaving that to Amazon, and by which token, "" being the first page.
func PageQuery(query url.Values, size int, token string) url.Values {
	if size > 0 {
		query.Set("maxResults", strconv.Itoa(size))
	}
	if token != "" {
		query.Set("nextToken", token)
	}
	return query
}
