package sns_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/certs/certstest"
	"github.com/alexaevents/alexaevents/sns"
)

// inbox is a function to receive messages that remembers them.
type inbox struct {
	err      error // what it returns
	received []*sns.Message
}

func (i *inbox) receive(_ context.Context, m *sns.Message) error {
	i.received = append(i.received, m)
	return i.err
}

func (i *inbox) texts() (texts []string) {
	for _, m := range i.received {
		texts = append(texts, m.Message)
	}
	return texts
}

// post is a request as SNS sends it.
func post(data []byte, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/sns", bytes.NewReader(data))
	r.Header.Set("Content-Type", "text/plain; charset=UTF-8")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

const typeHeader = "x-amz-sns-message-type"

func TestHandler(t *testing.T) {
	down := errors.New("database is down")
	noRoute := func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }
	good := notification().signed()
	for name, test := range map[string]struct {
		request  *http.Request
		respond  func(*http.Request) (*http.Response, error)
		err      error // of Receive
		code     int
		received bool
	}{
		"notification":              {request: post(good), code: 200, received: true},
		"with its header":           {request: post(good, typeHeader, "Notification"), code: 200, received: true},
		"with topic's header":       {request: post(good, "x-amz-sns-topic-arn", "arn:of:another"), code: 200, received: true},
		"not raw":                   {request: post(good, "x-amz-sns-rawdelivery", "false"), code: 200, received: true},
		"receive fails":             {request: post(good), err: down, code: 500, received: true},
		"receive fails like us":     {request: post(good), err: sns.ErrMessage, code: 500, received: true},
		"another type's header":     {request: post(good, typeHeader, "SubscriptionConfirmation"), code: 400},
		"subscription, lying":       {request: post(confirmation("SubscriptionConfirmation").signed(), typeHeader, "Notification"), code: 400},
		"empty":                     {request: post(nil), code: 400},
		"no body":                   {request: &http.Request{Method: http.MethodPost, Header: http.Header{}}, code: 400},
		"unsigned":                  {request: post(notification().json()), code: 400},
		"forged":                    {request: post(notification().signedBy(certstest.OtherKey())), code: 400},
		"another topic":             {request: post(notification().with("TopicArn", topicARN+"2").signed()), code: 400},
		"raw":                       {request: post([]byte(`{}`), "x-amz-sns-rawdelivery", "true", "x-amz-sns-topic-arn", topicARN, typeHeader, "Notification", "x-amz-sns-message-id", id), code: 400},
		"raw, though signed":        {request: post(good, "x-amz-sns-rawdelivery", "true"), code: 400},
		"broken body":               {request: httptest.NewRequest(http.MethodPost, "/", iotest.ErrReader(io.ErrUnexpectedEOF)), code: 400},
		"no certificate":            {request: post(good), respond: noRoute, code: 503},
		"no certificate, no topic":  {request: post(notification().with("TopicArn", "x").signed()), respond: noRoute, code: 400},
		"an empty certificate":      {request: post(good), respond: func(*http.Request) (*http.Response, error) { return certstest.Response(200, nil), nil }, code: 400},
		"unsubscription":            {request: post(confirmation("UnsubscribeConfirmation").signed()), code: 200},
		"subscription":              {request: post(confirmation("SubscriptionConfirmation").signed()), code: 200},
		"subscription of a forger":  {request: post(confirmation("SubscriptionConfirmation").signedBy(certstest.OtherKey())), code: 400},
		"subscription, other topic": {request: post(confirmation("SubscriptionConfirmation").with("TopicArn", topicARN+"2").signed()), code: 400},
	} {
		t.Run(name, func(t *testing.T) {
			b, in := newBench(), &inbox{err: test.err}
			b.amazon.Respond = test.respond
			handler := &sns.Handler{Verifier: b.Verifier, Receive: in.receive}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, test.request)
			require.Equal(t, test.code, w.Code)
			require.Empty(t, w.Body.Bytes())
			if test.received {
				require.Equal(t, []string{text}, in.texts())
				require.Equal(t, id, in.received[0].ID)
			} else {
				require.Empty(t, in.received)
			}
		})
	}
}

// A field that is not set is an error that SNS retries, logged with what to do, at
// Error once a minute.
func TestHandlerWithoutFields(t *testing.T) {
	in := &inbox{}
	for name, test := range map[string]struct {
		handler *sns.Handler
		want    string
	}{
		"no verifier": {&sns.Handler{Receive: in.receive}, "Handler.Verifier is not set"},
		"no topics":   {&sns.Handler{Verifier: &sns.Verifier{}, Receive: in.receive}, "Handler.Verifier.Topics is not set"},
		"no receive":  {&sns.Handler{Verifier: newBench().Verifier}, "Handler.Receive is not set"},
	} {
		t.Run(name, func(t *testing.T) {
			var r reports
			test.handler.Logger, test.handler.Observe = r.logger(), r.observe
			for range 3 {
				w := httptest.NewRecorder()
				test.handler.ServeHTTP(w, post(notification().signed()))
				require.Equal(t, 500, w.Code)
			}
			r.requireMisconfigured(t, test.want)
		})
	}
	require.Empty(t, in.received)
}

func TestOtherMethods(t *testing.T) {
	b, in := newBench(), &inbox{}
	var reports reports
	handler := &sns.Handler{Verifier: b.Verifier, Receive: in.receive, Logger: reports.logger(), Observe: reports.observe}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodOptions} {
		r := post(notification().signed())
		r.Method = method
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		require.Equal(t, 405, w.Code, method)
		require.Equal(t, "POST", w.Header().Get("Allow"))
	}
	require.Len(t, reports.seen, 4)
	for _, o := range reports.seen {
		require.Equal(t, sns.Refused, o.Outcome)
	}
	require.Equal(t, 4, strings.Count(reports.log.String(), "level=INFO"), "anyone can cause it")
	require.Empty(t, in.received)
	require.Empty(t, b.amazon.Calls())
}

// SNS sends the credentials of an endpoint only after a 401.
func TestRawCredentials(t *testing.T) {
	b, in := newBench(), &inbox{}
	var log bytes.Buffer
	handler := &sns.Handler{
		Verifier: b.Verifier, Receive: in.receive, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		UnverifiedRaw: func(r *http.Request) error {
			if _, password, _ := r.BasicAuth(); password != "secret" {
				return fmt.Errorf("no password: %w", sns.ErrUnauthorized)
			}
			return nil
		},
	}
	serve := func(password string) *httptest.ResponseRecorder {
		r := post([]byte("text"), "x-amz-sns-rawdelivery", "true", typeHeader, "Notification", "x-amz-sns-message-id", id, "x-amz-sns-topic-arn", topicARN)
		if password != "" {
			r.SetBasicAuth("sns", password)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	w := serve("")
	require.Equal(t, 401, w.Code)
	require.Equal(t, `Basic realm="sns"`, w.Header().Get("WWW-Authenticate"))
	require.Empty(t, log.String(), "each delivery begins like this")
	require.Empty(t, in.received)

	require.Equal(t, 401, serve("guess").Code)
	require.Contains(t, log.String(), "level=INFO")
	require.NotContains(t, log.String(), "guess")
	require.Empty(t, in.received)

	w = serve("secret")
	require.Equal(t, 200, w.Code)
	require.Empty(t, w.Header().Get("WWW-Authenticate"))
	require.Equal(t, []string{"text"}, in.texts())
}

func TestHandlerObserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, down := newBench(), errors.New("database is down")
		in := &inbox{}
		var reports reports
		handler := &sns.Handler{
			Verifier: b.Verifier,
			Receive: func(ctx context.Context, m *sns.Message) error {
				time.Sleep(time.Second)
				return in.receive(ctx, m)
			},
			Observe: reports.observe,
		}
		serve := func(data []byte) { handler.ServeHTTP(httptest.NewRecorder(), post(data)) }
		serve(notification().signed())
		in.err = down
		serve(notification().signed())
		serve(confirmation("SubscriptionConfirmation").signed())
		serve(notification().json())
		b.amazon.Respond = func(*http.Request) (*http.Response, error) {
			return certstest.Response(http.StatusInternalServerError, nil), nil
		}
		serve(confirmation("SubscriptionConfirmation").signed())
		serve(notification().with("SigningCertURL", strings.Replace(certURL, ".pem", "2.pem", 1)).signed())
		published := time.Date(2026, 3, 1, 11, 59, 58, 123e6, time.UTC)
		require.Empty(t, cmp.Diff([]sns.Observation{
			{MessageType: "Notification", TopicArn: topicARN, Timestamp: published, Duration: time.Second, Outcome: sns.Received},
			{MessageType: "Notification", TopicArn: topicARN, Timestamp: published, Duration: time.Second, Outcome: sns.Failed, Err: down},
			{MessageType: "SubscriptionConfirmation", TopicArn: topicARN, Timestamp: published, Outcome: sns.Received},
			{Outcome: sns.Refused, Err: sns.ErrSignature},
			{MessageType: "SubscriptionConfirmation", TopicArn: topicARN, Timestamp: published, Outcome: sns.Failed, Err: sns.ErrConfirm},
			{Outcome: sns.Failed, Duration: 100 * time.Millisecond, Err: sns.ErrFetch}, // with a retry
		}, reports.seen, cmpopts.EquateErrors()))
	})
}

// Receive has the context of the request or of the invocation.
func TestReceiveHasTheCallersContext(t *testing.T) {
	b := newBench()
	var got []context.Context
	receive := func(ctx context.Context, _ *sns.Message) error {
		got = append(got, ctx)
		return nil
	}
	r := post(notification().signed())
	(&sns.Handler{Verifier: b.Verifier, Receive: receive}).ServeHTTP(httptest.NewRecorder(), r)

	topics, ctx := []string{topicARN}, t.Context()
	_, err := (&sns.Lambda{Topics: topics, Receive: receive}).Invoke(ctx, lambdaEvent(t, lambdaMessage("a").json()))
	require.NoError(t, err)
	_, err = (&sns.SQS{Topics: topics, Receive: receive}).Invoke(ctx, batch(t, queue, string(notification().json())))
	require.NoError(t, err)
	require.Equal(t, []context.Context{r.Context(), ctx, ctx}, got)
}

// A caller who leaves ends the wait for a certificate.
func TestHandlerWhenTheCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, in := newBench(), &inbox{}
		b.amazon.Respond = func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		w := httptest.NewRecorder()
		(&sns.Handler{Verifier: b.Verifier, Receive: in.receive}).ServeHTTP(w, post(notification().signed()).WithContext(ctx))
		require.Equal(t, 503, w.Code)
		require.Equal(t, time.Second, time.Since(start))
		require.Empty(t, in.received)
		time.Sleep(4 * time.Second) // until the fetch ends
	})
}

func TestHandlerLimitsTheBody(t *testing.T) {
	b, in := newBench(), &inbox{}
	handler := &sns.Handler{Verifier: b.Verifier, Receive: in.receive}
	data := notification().signed()
	serve := func(data []byte) int {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, post(data))
		return w.Code
	}
	large := append(slices.Clone(data), bytes.Repeat([]byte(" "), 1<<20-len(data))...)
	for _, unset := range []int64{0, -1, math.MinInt64} {
		handler.MaxBody = unset
		require.Equal(t, 200, serve(large))
		require.Equal(t, 400, serve(append(large, ' ')), "a megabyte by default")
	}
	handler.MaxBody = int64(len(data))
	require.Equal(t, 200, serve(data))
	handler.MaxBody--
	require.Equal(t, 400, serve(data))
	require.Len(t, in.received, 4)
}

// The subscription is confirmed at a URL that is made of the verified members.
func TestConfirmation(t *testing.T) {
	want := "https://sns.us-east-2.amazonaws.com/?" + url.Values{
		"Action": {"ConfirmSubscription"}, "TopicArn": {topicARN}, "Token": {tokenA},
	}.Encode()
	subscription := confirmation("SubscriptionConfirmation")
	respond := func(status int) func(*http.Request) (*http.Response, error) {
		leaf, _, _ := newPKI().Issue()
		return func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, ".pem") {
				return certstest.Response(http.StatusOK, certstest.PEM(leaf)), nil
			}
			response := certstest.Response(status, nil)
			response.Header.Set("Location", "https://sns.us-east-2.amazonaws.com/elsewhere")
			return response, nil
		}
	}
	for name, test := range map[string]struct {
		message envelope
		respond func(*http.Request) (*http.Response, error)
		code    int
		calls   []string
	}{
		"confirmed":       {subscription, nil, 200, []string{certURL, want}},
		"with SHA-1":      {subscription.with("SignatureVersion", "1"), nil, 200, []string{certURL, want}},
		"another URL":     {subscription.with("SubscribeURL", "https://sns.us-east-2.amazonaws.com/?Action=DeleteTopic"), nil, 200, []string{certURL, want}},
		"refused":         {subscription, respond(400), 503, []string{certURL, want}},
		"down":            {subscription, respond(500), 503, []string{certURL, want}},
		"redirected":      {subscription, respond(302), 503, []string{certURL, want}},
		"empty":           {subscription, respond(204), 503, []string{certURL, want}},
		"unsubscribed":    {confirmation("UnsubscribeConfirmation"), nil, 200, []string{certURL}},
		"unsubscribed by": {confirmation("UnsubscribeConfirmation").with("SubscribeURL", "https://example.com/"), nil, 400, nil},
		"metadata":        {subscription.with("SubscribeURL", "http://169.254.169.254/latest/meta-data/"), nil, 400, nil},
		"another host":    {subscription.with("SubscribeURL", "https://sns.us-east-2.amazonaws.com.example.com/"), nil, 400, nil},
		"another region":  {subscription.with("SubscribeURL", "https://sns.us-east-1.amazonaws.com/"), nil, 400, nil},
		"a bucket's host": {subscription.with("SubscribeURL", "https://sns.s3-us-west-2.amazonaws.com/"), nil, 400, nil},
		"a user name":     {subscription.with("SubscribeURL", "https://sns.us-east-2.amazonaws.com@example.com/"), nil, 400, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b, in := newBench(), &inbox{}
			b.amazon.Respond = test.respond
			handler := &sns.Handler{Verifier: b.Verifier, Receive: in.receive}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, post(test.message.signed()))
			require.Equal(t, test.code, w.Code)
			require.Empty(t, in.received)
			require.Equal(t, test.calls, b.amazon.Calls())
		})
	}

	for _, messageType := range []string{sns.Notification, sns.UnsubscribeConfirmation, ""} {
		b := newBench()
		err := b.Confirm(t.Context(), &sns.Message{Type: messageType, TopicArn: topicARN, Token: "x"})
		require.ErrorIs(t, err, sns.ErrConfirm)
		require.Empty(t, b.amazon.Calls())
	}
}

func TestRaw(t *testing.T) {
	genuine := []string{
		"x-amz-sns-rawdelivery", "true", typeHeader, "Notification",
		"x-amz-sns-message-id", id, "x-amz-sns-topic-arn", topicARN,
	}
	but := func(name, value string) []string { return append(slices.Clone(genuine), name, value) }
	for name, test := range map[string]struct {
		body    string
		path    string
		headers []string
		code    int
	}{
		"genuine":            {`{"a":"é"}`, "/secret", genuine, 200},
		"an empty object":    {`{}`, "/secret", genuine, 200},
		"not JSON":           {`text`, "/secret", genuine, 200},
		"without the secret": {`{}`, "/", genuine, 400},
		"another topic":      {`{}`, "/secret", but("x-amz-sns-topic-arn", topicARN+"2"), 400},
		"no topic":           {`{}`, "/secret", but("x-amz-sns-topic-arn", ""), 400},
		"another type":       {`{}`, "/secret", but(typeHeader, "SubscriptionConfirmation"), 400},
		"no type":            {`{}`, "/secret", but(typeHeader, ""), 400},
		"no id":              {`{}`, "/secret", but("x-amz-sns-message-id", ""), 400},
		"id with line break": {`{}`, "/secret", but("x-amz-sns-message-id", id+"\n"), 400},
		"invalid UTF-8":      {"\xff", "/secret", genuine, 400},
		"too large":          {strings.Repeat(" ", 101), "/secret", genuine, 400},
		"not raw after all":  {`{}`, "/secret", but("x-amz-sns-rawdelivery", ""), 400},
	} {
		t.Run(name, func(t *testing.T) {
			b, in := newBench(), &inbox{}
			handler := &sns.Handler{
				Verifier: b.Verifier, Receive: in.receive, MaxBody: 100,
				UnverifiedRaw: func(r *http.Request) error {
					if r.URL.Path != "/secret" {
						return errors.New("no secret")
					}
					return nil
				},
			}
			r := post([]byte(test.body), test.headers...)
			r.URL.Path = test.path
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			require.Equal(t, test.code, w.Code)
			require.Empty(t, b.amazon.Calls())
			if test.code == 200 {
				require.Equal(t, []*sns.Message{{Type: "Notification", ID: id, TopicArn: topicARN, Message: test.body}}, in.received)
			} else {
				require.Empty(t, in.received)
			}
		})
	}

	b, in := newBench(), &inbox{}
	handler := &sns.Handler{Verifier: b.Verifier, Receive: in.receive, UnverifiedRaw: func(*http.Request) error { return nil }}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, post(notification().json()))
	require.Equal(t, 400, w.Code, "what claims an envelope needs a signature")
	w = httptest.NewRecorder()
	handler.ServeHTTP(w, post(notification().signed()))
	require.Equal(t, 200, w.Code)
	require.Equal(t, []string{text}, in.texts())
}

// The log says what went wrong, and contains nothing of the message.
func TestHandlerLog(t *testing.T) {
	b, in := newBench(), &inbox{err: errors.New("database is down")}
	var log bytes.Buffer
	handler := &sns.Handler{Verifier: b.Verifier, Receive: in.receive, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	serve := func(data []byte) string {
		log.Reset()
		handler.ServeHTTP(httptest.NewRecorder(), post(data))
		for _, secret := range []string{"Ünïcode", tokenA, "Signature="} {
			require.NotContains(t, log.String(), secret)
		}
		return log.String()
	}
	require.Contains(t, serve(notification().json()), sns.ErrSignature.Error())
	require.Contains(t, serve(bytes.Replace(notification().signed(), []byte("58.123Z"), []byte("58.124Z"), 1)), "or a proxy has changed it")
	require.Contains(t, serve(notification().signed()), "database is down")
	require.Contains(t, serve(confirmation("SubscriptionConfirmation").signed()), "confirmed a subscription")
	require.Contains(t, serve(confirmation("UnsubscribeConfirmation").signed()), "a subscription has ended")
	b.amazon.Respond = func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }
	down := serve(confirmation("SubscriptionConfirmation").signed())
	require.Contains(t, down, "no route")
	require.Contains(t, down, "level=WARN")
}
