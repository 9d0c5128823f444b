package sdns_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/sdns"
)

func TestCovers(t *testing.T) {
	const tomorrow = sdns.EventName("AlexaDevelopmentEvent.OfTomorrow")
	for _, test := range []struct {
		subscribed, event sdns.EventName
		want              bool
	}{
		{sdns.EventSkillPublish, sdns.EventSkillPublish, true},
		{sdns.EventSkillPublish, sdns.EventManifestUpdate, false},
		{sdns.EventAll, sdns.EventManifestUpdate, true},
		{sdns.EventAllDocumented, sdns.EventManifestUpdate, true},
		{sdns.EventAll, tomorrow, true},
		{tomorrow, tomorrow, true},
		{sdns.EventAll, sdns.EventSkillReviewPublish, false},
		{sdns.EventAllDocumented, sdns.EventSkillReviewPublish, false},
		{sdns.EventSkillReviewPublish, sdns.EventSkillReviewPublish, true},
		{sdns.EventAll, "", false},
		{"AlexaCustomerFeedbackEvent.All", sdns.EventSkillReviewPublish, false},
	} {
		require.Equal(t, test.want, test.subscribed.Covers(test.event), "%s %s", test.subscribed, test.event)
	}
}

// Every constant has a type, and every type a constant.
func TestNamesAndTypesAgree(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "events.go", nil, 0)
	require.NoError(t, err)
	named := map[sdns.EventName]bool{}
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || spec.Type == nil {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		named[sdns.EventName(value)] = true
		return true
	})
	require.True(t, named[sdns.EventAll] && named[sdns.EventAllDocumented])
	delete(named, sdns.EventAll)
	delete(named, sdns.EventAllDocumented)
	require.Len(t, named, len(sdns.Types))
	for name := range sdns.Types {
		require.True(t, named[name], name)
	}
}
