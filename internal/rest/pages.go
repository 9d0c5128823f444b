package rest

import "iter"

// Pages yields the items of a list that comes in pages, until the list ends,
// the caller does or a page cannot be had; that error, as convert makes it, is
// the last that it yields. The function gets the page of a token, "" for the
// first, and says which is next, "" behind the last. A page may be empty.
func Pages[T any](convert func(error) error, page func(token string) (items []T, next string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		seen := make(map[string]bool)
		for token := ""; ; {
			items, next, err := page(token)
			if err != nil {
				yield(none, convert(err))
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
				yield(none, convert(&Error{Status: 200, Message: "the pages of the list lead back to an earlier one"}))
				return
			}
			seen[next] = true
			token = next
		}
	}
}
