package rest

import (
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/alexaevents/alexaevents"
)

// Pages yields the items of a list that has pages. It ends after the first error. The
// function returns the page of a token, "" for the first page, and the token of the
// next page, "" after the last. A page may be empty.
func Pages[T any](c Client, page func(token string) (items []T, next string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		seen := make(map[string]bool)
		for token := ""; ; {
			items, next, err := page(token)
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			switch {
			case next == "":
				return
			case seen[next]:
				yield(none, &alexaevents.Error{API: c.API, Status: http.StatusOK, Message: "a page of the list leads back to an earlier one"})
				return
			}
			seen[next] = true
			token = next
		}
	}
}

// PageQuery adds the size and the token of a page to a query. A size of zero leaves
// it to Amazon; the token of the first page is "".
func PageQuery(query url.Values, size int, token string) url.Values {
	if size > 0 {
		query.Set("maxResults", strconv.Itoa(size))
	}
	if token != "" {
		query.Set("nextToken", token)
	}
	return query
}
