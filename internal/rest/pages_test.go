package rest_test

import (
	"errors"
	"net/url"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/rest"
)

func TestPages(t *testing.T) {
	type page struct {
		items []int
		next  string
		err   error
	}
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		pages map[string]page
		stop  int // after so many items
		items []int
		asked []string
		err   string
	}{
		"one page":     {pages: map[string]page{"": {items: []int{1, 2}}}, items: []int{1, 2}, asked: []string{""}},
		"nothing":      {pages: map[string]page{"": {}}, asked: []string{""}},
		"two pages":    {pages: map[string]page{"": {items: []int{1}, next: "a"}, "a": {items: []int{2}}}, items: []int{1, 2}, asked: []string{"", "a"}},
		"empty page":   {pages: map[string]page{"": {next: "a"}, "a": {items: []int{1}}}, items: []int{1}, asked: []string{"", "a"}},
		"stop":         {pages: map[string]page{"": {items: []int{1, 2, 3}, next: "a"}}, stop: 2, items: []int{1, 2}, asked: []string{""}},
		"stop at last": {pages: map[string]page{"": {items: []int{1}, next: "a"}}, stop: 1, items: []int{1}, asked: []string{""}},
		"error":        {pages: map[string]page{"": {items: []int{1}, next: "a"}, "a": {err: broken}}, items: []int{1}, asked: []string{"", "a"}, err: "broken"},
		"loop":         {pages: map[string]page{"": {items: []int{1}, next: "a"}, "a": {items: []int{2}, next: "a"}}, items: []int{1, 2}, asked: []string{"", "a"}, err: "things: 200 OK: a page of the list leads back to an earlier one"},
		"long loop":    {pages: map[string]page{"": {next: "a"}, "a": {next: "b"}, "b": {items: []int{1}, next: "a"}}, items: []int{1}, asked: []string{"", "a", "b"}, err: "things: 200 OK: a page of the list leads back to an earlier one"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			pages := rest.Pages(rest.Client{API: "things"}, func(token string) ([]int, string, error) {
				asked = append(asked, token)
				p, ok := test.pages[token]
				require.True(t, ok)
				return p.items, p.next, p.err
			})
			for range 2 { // it can be ranged over again
				asked = nil
				var items []int
				var last error
				for item, err := range pages {
					require.NoError(t, last, "something follows the error")
					if last = err; err == nil {
						items = append(items, item)
					}
					if test.stop > 0 && len(items) == test.stop {
						break
					}
				}
				require.Equal(t, test.items, items)
				require.Equal(t, test.asked, asked)
				if test.err == "" {
					require.NoError(t, last)
				} else {
					require.EqualError(t, last, test.err)
				}
			}
		})
	}
}

func TestManyPages(t *testing.T) {
	n := 0
	for item, err := range rest.Pages(rest.Client{}, func(token string) ([]string, string, error) {
		i, _ := strconv.Atoi(token)
		if i == 5000 {
			return []string{token}, "", nil
		}
		return []string{token}, strconv.Itoa(i + 1), nil
	}) {
		require.NoError(t, err)
		if n > 0 {
			require.Equal(t, strconv.Itoa(n), item)
		}
		n++
	}
	require.Equal(t, 5001, n)
}

func TestPageQuery(t *testing.T) {
	for _, test := range []struct {
		size  int
		token string
		want  string
	}{
		{0, "", "a=b"}, {-1, "", "a=b"}, {7, "", "a=b&maxResults=7"}, {0, "x y", "a=b&nextToken=x+y"}, {7, "t", "a=b&maxResults=7&nextToken=t"},
	} {
		require.Equal(t, test.want, rest.PageQuery(url.Values{"a": {"b"}}, test.size, test.token).Encode())
	}
}
