package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/internal/compare"
	"github.com/alexaevents/alexaevents/sns"
)

// hostileSize is the size of a document that costs nothing to send.
const hostileSize = 50_000

// shapes are values of about hostileSize bytes, each bad for some decoder.
var shapes = []struct{ name, value string }{
	{"objects in objects", strings.Repeat(`{"":`, hostileSize/5) + `0` + strings.Repeat(`}`, hostileSize/5)},
	{"lists in lists", strings.Repeat(`[`, hostileSize/2) + strings.Repeat(`]`, hostileSize/2)},
	{"deep lists, many times", list(strings.Repeat(`[`, 50) + strings.Repeat(`]`, 50))},
	{"deep objects, many times", list(strings.Repeat(`{"":`, 50) + `0` + strings.Repeat(`}`, 50))},
	{"small objects", list(`{}`)},
	{"objects of one member", list(`{"a":0}`)},
	{"numbers", list(`-1.5e+9`)},
	{"digits", list(`7`)},
	{"a long number", strings.Repeat(`7`, hostileSize)},
	{"literals", list(`true`)},
	{"spaces", `[` + strings.Repeat(" \n\t\r", hostileSize/4) + `]`},
	{"a long text", text(`a`)},
	{"a long text of two-byte runes", text(`é`)},
	{"a long text of four-byte runes", text(`😀`)},
	{"short escapes", text(`\n`)},
	{"long escapes", text(`\u00e9`)},
	{"escapes and letters", text(`\"a`)},
	{"escaped pairs", text(`\ud83d\ude00`)},
	{"short texts", list(`""`)},
	{"short escaped texts", list(`"\n"`)},
	{"invalid UTF-8 at the end", `"` + strings.Repeat(`é`, hostileSize/2) + "\xff\""},
	{"many members", object(func(i int) string { return fmt.Sprintf(`"%d":0`, i) })},
	{"one member, many times", object(func(int) string { return `"a":0` })},
	{"many escaped members", object(func(int) string { return `"\n":0` })},
	{"many long members", object(func(i int) string { return fmt.Sprintf(`"%d%s":0`, i, strings.Repeat("m", 100)) })},
	{"a long escaped member", `{` + text(`\n`) + `:0}`},
	{"members that are read, escaped", object(func(int) string { return `"\u0074ype":0` })},
}

func list(element string) string {
	return `[` + strings.TrimSuffix(strings.Repeat(element+`,`, hostileSize/(len(element)+1)), `,`) + `]`
}

func text(piece string) string {
	return `"` + strings.Repeat(piece, hostileSize/len(piece)) + `"`
}

func object(member func(int) string) string {
	var all []string
	for size := 0; size < hostileSize; size += len(all[len(all)-1]) + 1 {
		all = append(all, member(len(all)))
	}
	return `{` + strings.Join(all, `,`) + `}`
}

// readers are the functions that read documents of unknown senders, each with the places
// in a document where a hostile value can be. %s is the value.
func readers(tb testing.TB) []reader {
	cloud := alexatest.NewCloud()
	customer := &alexatest.Customer{SkillID: skillID}
	request := customer.Event("IntentRequest", map[string]any{"intent": "%s"})
	genuine := sign(cloud, request)[0]
	verifier := newVerifier(cloud)
	require.NoError(tb, verifier.Verify(tb.Context(), genuine.header, genuine.body))

	message := cloud.NewSNSRequest("https://backend.example/sns", topicARN, []byte("x"))
	notifications := &sns.Verifier{Topics: []string{topicARN}, HTTPClient: cloud.Client()}
	notification := read(tb, message)
	_, err := notifications.Verify(tb.Context(), notification)
	require.NoError(tb, err)
	var members []string // each member, or another, is the value; the rest is as it must be
	for _, name := range []string{"Message", "Type", "MessageId", "TopicArn", "Timestamp", "Signature", "SignatureVersion", "SigningCertURL", "x"} {
		var all map[string]any
		require.NoError(tb, json.Unmarshal(notification, &all))
		all[name] = "%s"
		data, err := json.Marshal(all)
		require.NoError(tb, err)
		members = append(members, strings.Replace(string(data), `"%s"`, `%s`, 1))
	}

	return []reader{
		{"signature", []string{
			`%s`, `{"x":%s}`, `{"request":%s}`, `{"request":{"type":%s}}`, `{"request":{"timestamp":%s}}`, `{"request":{"eventPublishingTime":%s,"eventCreationTime":0}}`,
			`{"context":{"System":{"user":{"permissions":%s}}}}`,
			`{"request":{"type":"LaunchRequest","timestamp":"` + time.Now().UTC().Format(time.RFC3339) + `"},"context":{"System":{"application":{"applicationId":%s}}}}`,
			strings.Replace(string(request), `"%s"`, `%s`, 1), // all that a signature would have to fit
		}, func(data []byte) error { return verifier.Verify(tb.Context(), genuine.header, data) }},
		{"sns", append(members, `%s`), func(data []byte) error {
			_, err := notifications.Verify(tb.Context(), data)
			return err
		}},
		{"gateway", []string{
			`%s`, `{"directive":%s}`, `{"directive":{"header":%s}}`, `{"directive":{"endpoint":{"scope":%s}}}`,
			`{"directive":{"header":{"namespace":"Alexa.Discovery","name":"Discover"},"endpoint":{"cookie":%s}}}`,
			`{"directive":{"header":{"namespace":"Alexa.Discovery","name":"Discover"},"payload":%s}}`,
		}, func(data []byte) error { _, err := gateway.ParseDirective(data); return err }},
	}
}

type reader struct {
	name   string
	places []string
	read   func([]byte) error
}

// documents passes the hostile documents for the reader, by shape and place.
func (r reader) documents(each func(name string, data []byte)) {
	for _, shape := range shapes {
		for i, place := range r.places {
			if !strings.HasPrefix(place, `%s`) || shape.value[0] == '{' {
				each(fmt.Sprintf("%s/%s/%d", r.name, shape.name, i+1), []byte(strings.Replace(place, `%s`, shape.value, 1)))
			}
		}
	}
}

// Refusing a hostile document takes less memory than the document has bytes, rounded up
// to the sizes in which Go allocates.
func TestHostileDocumentsTakeLittleMemory(t *testing.T) {
	for _, r := range readers(t) {
		r.documents(func(name string, data []byte) {
			assert.LessOrEqual(t, allocated(func() { _ = r.read(data) }), uint64(len(data)*9/8+6<<10), name)
		})
	}
}

// allocated returns how many bytes one call allocates.
func allocated(call func()) uint64 {
	const calls = 3 // the minimum counts, since other goroutines may allocate too
	var allocated []uint64
	for range calls {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		call()
		runtime.ReadMemStats(&after)
		allocated = append(allocated, after.TotalAlloc-before.TotalAlloc)
	}
	return slices.Min(allocated)
}

// Hostile documents, against json.Valid of the same bytes.
func BenchmarkHostile(b *testing.B) {
	for _, r := range readers(b) {
		r.documents(func(name string, data []byte) {
			b.Run(name, func(b *testing.B) {
				compare.Run(b, func(int) { json.Valid(data) }, func(int) { _ = r.read(data) })
				b.ReportMetric(float64(allocated(func() { _ = r.read(data) })), "B/document")
			})
		})
	}
}

func read(tb testing.TB, r *http.Request) []byte {
	data, err := io.ReadAll(r.Body)
	require.NoError(tb, err)
	return data
}
