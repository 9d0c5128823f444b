package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/signature"
	"github.com/alexaevents/alexaevents/sns"
)

// coldEndpoint makes handlers that have no certificate yet, and requests to them.
type coldEndpoint struct {
	handler func() http.Handler
	request func(certificateURL string) *http.Request // "" for the genuine one
	invent  string                                    // certificate URL with a place for a number
}

func coldEndpoints(cloud *alexatest.Cloud) map[string]coldEndpoint {
	const skillID, topic = "amzn1.ask.skill.example", "arn:aws:sns:us-east-1:123456789012:alexa"
	body := (&alexatest.Customer{SkillID: skillID}).Enable()
	genuine := cloud.NewRequest("https://backend.example/alexa/events", body)
	published := cloud.NewSNSRequest("https://backend.example/sns", topic, []byte("{}"))
	message, err := io.ReadAll(published.Body)
	if err != nil {
		panic(err)
	}
	certificate := regexp.MustCompile(`https://[^"]*\.pem`)
	with := func(r *http.Request, data []byte) *http.Request {
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(data))
		return r
	}
	return map[string]coldEndpoint{
		"signature": {
			func() http.Handler {
				v := &signature.Verifier{Skills: []string{skillID}, Roots: cloud.Roots(), HTTPClient: cloud.Client()}
				return v.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			},
			func(url string) *http.Request {
				r := with(genuine, body)
				if url != "" {
					r.Header.Set("SignatureCertChainUrl", url)
				}
				return r
			},
			"https://s3.amazonaws.com/echo.api/%d.pem",
		},
		"sns": {
			func() http.Handler {
				return &sns.Handler{
					Verifier: &sns.Verifier{Topics: []string{topic}, HTTPClient: cloud.Client()},
					Receive:  func(context.Context, *sns.Message) error { return nil },
				}
			},
			func(url string) *http.Request {
				if url == "" {
					return with(published, message)
				}
				return with(published, certificate.ReplaceAll(message, []byte(url)))
			},
			"https://sns.us-east-1.amazonaws.com/SimpleNotificationService-%d.pem",
		},
	}
}

// BenchmarkColdStart sends a genuine request to a handler that has no certificate
// yet, while attackers send requests with invented certificate URLs, each as soon
// as the last one is refused. The certificate host takes 150 ms. -benchtime 160x
// makes 160 handlers.
func BenchmarkColdStart(b *testing.B) {
	cloud := alexatest.NewCloud()
	endpoints := coldEndpoints(cloud)
	cloud.Fail(alexatest.Fault{Delay: 150 * time.Millisecond, Times: -1})
	for _, name := range []string{"signature", "sns"} {
		for _, attackers := range []int{0, 8, 32, 100} {
			b.Run(fmt.Sprintf("%s/attackers=%d", name, attackers), func(b *testing.B) {
				var took []time.Duration
				accepted := 0
				for b.Loop() {
					code, latency := endpoints[name].coldStart(b.Context(), attackers)
					took = append(took, latency)
					if code == http.StatusOK {
						accepted++
					}
				}
				slices.Sort(took)
				b.ReportMetric(float64(accepted), "accepted")
				b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "p50-ms")
				b.ReportMetric(float64(took[len(took)-1].Milliseconds()), "max-ms")
			})
		}
	}
}

// coldStart returns the status of the genuine request, and its time.
func (e coldEndpoint) coldStart(ctx context.Context, attackers int) (code int, took time.Duration) {
	handler := e.handler()
	var group sync.WaitGroup
	var invented, refused atomic.Int64
	ctx, cancel := context.WithCancel(ctx)
	for range attackers {
		group.Go(func() {
			for ctx.Err() == nil {
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, e.request(fmt.Sprintf(e.invent, invented.Add(1))).WithContext(ctx))
				if w.Code == http.StatusBadRequest {
					refused.Add(1)
				}
			}
		})
	}
	for attackers > 0 && refused.Load() == 0 { // the first attackers have been refused
		time.Sleep(time.Millisecond)
	}
	start := time.Now()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, e.request(""))
	took = time.Since(start)
	cancel()
	group.Wait()
	return w.Code, took
}
