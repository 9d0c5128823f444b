package gateway_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/alexaevents/alexaevents"
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

	t.Run("parts can grow", func(t *testing.T) {
		other, want := endpoint("other"), slices.Clone(endpoints[:4])
		var added []any
		for report := range (&gateway.AddOrUpdateReport{Endpoints: endpoints[:4]}).Split(3) {
			added = append(added, report.Endpoints...)
			if len(report.Endpoints) == 3 {
				report.Endpoints = append(report.Endpoints, other)
			}
		}
		require.Equal(t, want, added)
		var gone []string
		for report := range (&gateway.DeleteReport{EndpointIDs: ids[:4]}).Split(3) {
			gone = append(gone, report.EndpointIDs...)
			if len(report.EndpointIDs) == 3 {
				report.EndpointIDs = append(report.EndpointIDs, "other")
			}
		}
		require.Equal(t, []string{"lamp-0", "lamp-1", "lamp-2", "lamp-3"}, gone)
	})

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

// The limits count characters. Members match by their exact names.
func TestAddOrUpdateReportMembers(t *testing.T) {
	e := endpoint("lamp-1")
	e["friendlyName"], e["description"] = strings.Repeat("ü", 256), strings.Repeat("ü", 128)
	e["capabilities"] = make([]any, 100)
	sent(t, &gateway.AddOrUpdateReport{Endpoints: []any{e}})

	for _, name := range []string{"endpointId", "manufacturerName", "description", "displayCategories", "capabilities"} {
		e := endpoint("lamp-1")
		e[strings.ToUpper(name)] = e[name]
		delete(e, name)
		_, err := gateway.MessageOf(&gateway.AddOrUpdateReport{Endpoints: []any{e}})
		requireInvalid(t, err, "AddOrUpdateReport.Endpoints[0]."+name, "")
	}
}

// Some interfaces need no name.
func TestAddOrUpdateReportWithoutName(t *testing.T) {
	e := endpoint("lamp-1")
	delete(e, "friendlyName")
	sent(t, &gateway.AddOrUpdateReport{Endpoints: []any{e}})
}

// Split makes as few parts as the size of the endpoints allows, and each can be sent.
func TestSplitByBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		report := new(gateway.AddOrUpdateReport)
		sizes := rapid.SliceOfN(rapid.IntRange(1, 150_000), 1, 6).Draw(t, "sizes")
		for i, size := range sizes {
			e := endpoint(fmt.Sprint("lamp-", i))
			e["cookie"] = map[string]string{"ü": strings.Repeat("<", size)} // which is escaped by default
			report.Endpoints = append(report.Endpoints, e)
		}
		var all []any
		var lengths []int
		for part := range report.Split(0) {
			m, err := gateway.MessageOf(part)
			require.NoError(t, err)
			require.NoError(t, m.Sendable())
			body, err := m.Encode(messageID, strings.Repeat("x", 2048))
			require.NoError(t, err)
			require.LessOrEqual(t, len(body), 256_000)
			if len(lengths) > 0 {
				first, err := json.Marshal(part.Endpoints[0].(map[string]any)["cookie"])
				require.NoError(t, err)
				require.Greater(t, lengths[len(lengths)-1]+len(first)/2, 100_000, "the next endpoint would have fitted")
			}
			lengths = append(lengths, len(body))
			all = append(all, part.Endpoints...)
		}
		require.Equal(t, report.Endpoints, all)
	})
	huge := endpoint("huge")
	huge["cookie"] = map[string]string{"x": strings.Repeat("x", 256_000)}
	var parts []*gateway.AddOrUpdateReport
	for part := range (&gateway.AddOrUpdateReport{Endpoints: []any{endpoint("a"), huge, math.NaN(), endpoint("b")}}).Split(0) {
		parts = append(parts, part)
	}
	require.Len(t, parts, 3)
	b := newBackend()
	b.link(t, alexaevents.Europe, "home", "anna")
	require.NoError(t, b.sender.Send(t.Context(), "home", parts[0]))
	err := b.sender.Send(t.Context(), "home", parts[1])
	require.ErrorIs(t, err, gateway.ErrTooLarge)
	requireOneDecision(t, err)
	requireInvalid(t, err, "AddOrUpdateReport", "256 KB")
	require.Equal(t, "ErrInvalidEvent", kindOf(b.sender.Send(t.Context(), "home", parts[2])))
	require.Equal(t, 1, b.gatewayCalls())
}
