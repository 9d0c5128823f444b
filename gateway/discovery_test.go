package gateway_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/gateway"
)

func TestSplit(t *testing.T) {
	ids := make([]string, 700)
	endpoints := make([]any, len(ids))
	for i := range ids {
		ids[i] = fmt.Sprint("lamp-", i)
		endpoints[i] = endpoint(ids[i])
	}
	for _, test := range []struct {
		total, n int
		sizes    []int
	}{
		{0, 0, nil},
		{1, 0, []int{1}},
		{300, 0, []int{300}},
		{700, 0, []int{300, 300, 100}},
		{700, 301, []int{300, 300, 100}},
		{301, -1, []int{300, 1}},
		{61, 30, []int{30, 30, 1}},
	} {
		t.Run(fmt.Sprint(test.total, " by ", test.n), func(t *testing.T) {
			var sizes []int
			var gone []string
			for report := range (&gateway.DeleteReport{EndpointIDs: ids[:test.total]}).Split(test.n) {
				sent(t, report)
				sizes = append(sizes, len(report.EndpointIDs))
				gone = append(gone, report.EndpointIDs...)
			}
			require.Equal(t, test.sizes, sizes)
			require.True(t, slices.Equal(ids[:test.total], gone))

			sizes = nil
			var added []any
			for report := range (&gateway.AddOrUpdateReport{Endpoints: endpoints[:test.total]}).Split(test.n) {
				sent(t, report)
				sizes = append(sizes, len(report.Endpoints))
				added = append(added, report.Endpoints...)
			}
			require.Equal(t, test.sizes, sizes)
			require.Len(t, added, test.total)
		})
	}

	t.Run("stops with the loop", func(t *testing.T) {
		n := 0
		for range (&gateway.DeleteReport{EndpointIDs: ids}).Split(1) {
			n++
			break
		}
		for range (&gateway.AddOrUpdateReport{Endpoints: endpoints}).Split(1) {
			n++
			break
		}
		require.Equal(t, 2, n)
	})
}

// The limit of 128 counts characters, and members are found by their exact names.
func TestAddOrUpdateReportMembers(t *testing.T) {
	e := endpoint("lamp-1")
	e["friendlyName"] = strings.Repeat("ü", 128)
	sent(t, &gateway.AddOrUpdateReport{Endpoints: []any{e}})

	for _, name := range []string{"endpointId", "manufacturerName", "friendlyName", "description", "displayCategories", "capabilities"} {
		e := endpoint("lamp-1")
		e[strings.ToUpper(name)] = e[name]
		delete(e, name)
		_, err := gateway.MessageOf(&gateway.AddOrUpdateReport{Endpoints: []any{e}})
		requireInvalid(t, err, "AddOrUpdateReport.Endpoints[0]."+name, "")
	}
}
