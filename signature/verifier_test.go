package signature_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/signature"
)

// The numbers in the names of tests are those of the 41 cases that the official
// SDKs for Java, Python and Node.js test between them. The following do not
// apply. 21: a runtime too old for the cryptography. 26, 27 and 28: the
// tolerance is Amazon's and cannot be set. 35: the tolerance as a pair of
// number and unit. 41: the verifier cannot be replaced.

func TestHeaders(t *testing.T) {
	body := intent()
	good := sign(rsaKey(), body)
	for name, test := range map[string]struct {
		header http.Header
		want   error
	}{
		"1 no certificate URL":     {http.Header{"Signature-256": {good}}, signature.ErrHeader},
		"1 empty certificate URL":  {http.Header{"Signaturecertchainurl": {""}, "Signature-256": {good}}, signature.ErrHeader},
		"2 no signature":           {http.Header{"Signaturecertchainurl": {certURL}}, signature.ErrHeader},
		"2 empty signature":        {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {""}}, signature.ErrHeader},
		"3 canonical keys":         {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {good}}, nil},
		"3 CamelCase keys":         {http.Header{"SignatureCertChainUrl": {certURL}, "Signature-256": {good}}, nil},
		"3 lower case keys":        {http.Header{"signaturecertchainurl": {certURL}, "signature-256": {good}}, nil},
		"5 URL of another host":    {http.Header{"Signaturecertchainurl": {"https://very.bad/echo.api/cert"}, "Signature-256": {good}}, signature.ErrURL},
		"nil":                      {nil, signature.ErrHeader},
		"two certificate URLs":     {http.Header{"Signaturecertchainurl": {certURL, certURL}, "Signature-256": {good}}, signature.ErrHeader},
		"two signatures":           {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {good, good}}, signature.ErrHeader},
		"two spellings":            {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {good}, "signature-256": {good}}, signature.ErrHeader},
		"SHA-1 alone":              {http.Header{"Signaturecertchainurl": {certURL}, "Signature": {signSHA1(body)}}, signature.ErrHeader},
		"SHA-1 for SHA-256":        {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {signSHA1(body)}}, signature.ErrSignature},
		"SHA-1 beside":             {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {good}, "Signature": {signSHA1(body)}}, nil},
		"24 garbage":               {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {"TEST_INVALID_SIGNATURE"}}, signature.ErrSignature},
		"not base64":               {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {"....$#%@$se"}}, signature.ErrSignature},
		"base64 of hello":          {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {"aGVsbG8="}}, signature.ErrSignature},
		"base64 with a newline":    {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {good[:76] + "\n" + good[76:]}}, signature.ErrSignature},
		"base64 without padding":   {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {strings.TrimRight(good, "=")}}, signature.ErrSignature},
		"base64 with loose bits":   {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {loosen(good)}}, signature.ErrSignature},
		"base64 of the URL kind":   {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {strings.Repeat("-_", 171) + "=="}}, signature.ErrSignature},
		"length of another key":    {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {base64.StdEncoding.EncodeToString(make([]byte, 384))}}, signature.ErrSignature},
		"a signature of all zeros": {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {base64.StdEncoding.EncodeToString(make([]byte, 256))}}, signature.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			require.ErrorIs(t, b.Verify(t.Context(), test.header, body), test.want)
		})
	}
}

// What can be told from the request alone must not cost a fetch.
func TestRefusedWithoutNetwork(t *testing.T) {
	stale := request("IntentRequest", quoted(now.Add(-time.Hour)))
	for name, test := range map[string]struct {
		header http.Header
		body   []byte
		want   error
	}{
		"base64":  {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {"?"}}, intent(), signature.ErrSignature},
		"length":  {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {"aGVsbG8="}}, intent(), signature.ErrSignature},
		"URL":     {http.Header{"Signaturecertchainurl": {"https://example.com"}, "Signature-256": {sign(rsaKey(), nil)}}, intent(), signature.ErrURL},
		"time":    {signed(stale), stale, signature.ErrTime},
		"request": {signed(nil), nil, signature.ErrRequest},
		"skill":   {signed(otherSkill()), otherSkill(), signature.ErrSkill},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			require.ErrorIs(t, b.Verify(t.Context(), test.header, test.body), test.want)
			require.Empty(t, b.host.fetches())
		})
	}
}

func otherSkill() []byte {
	return bytes.Replace(intent(), []byte(skillID), []byte("amzn1.ask.skill.other"), 1)
}

func TestURLVariantsShareOneFetch(t *testing.T) {
	b := newBench(t)
	body := intent()
	for _, variant := range []string{ // 4
		certURL, certURL + "?x=1", certURL + "#f",
		"https://s3.amazonaws.com:443/echo.api/echo-api-cert.pem",
		"HTTPS://S3.amazonaws.com/echo.api/../echo.api/echo-api-cert.pem",
	} {
		header := signed(body)
		header.Set("SignatureCertChainUrl", variant)
		require.NoError(t, b.Verify(t.Context(), header, body), variant)
	}
	require.Equal(t, []string{certURL}, b.host.fetches(), "the normalised URL, once")
}

func TestBody(t *testing.T) {
	b := newBench(t)
	good := intent()
	require.NoError(t, b.verify(good)) // 22, 25, with an É in the user ID

	for name, body := range map[string][]byte{
		"23 changed":          bytes.Replace(good, []byte(`"r"`), []byte(`"s"`), 1),
		"trailing whitespace": append(bytes.Clone(good), '\n'),
		"re-serialised":       bytes.ReplaceAll(good, []byte(`,"`), []byte(`, "`)),
	} {
		require.ErrorIs(t, b.Verify(t.Context(), signed(good), body), signature.ErrSignature, name)
	}
	otherKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	header := signed(good)
	header.Set("Signature-256", sign(otherKey, good))
	require.ErrorIs(t, b.Verify(t.Context(), header, good), signature.ErrSignature, "23 another key")

	for name, body := range map[string][]byte{
		"34 none":            nil,
		"34 null":            []byte("null"),
		"not JSON":           []byte("signature"),
		"two documents":      append(bytes.Clone(good), good...),
		"gzip":               zipped(good),
		"duplicate request":  bytes.Replace(good, []byte(`"version":"1.0"`), []byte(`"request":{}`), 1),
		"invalid UTF-8":      bytes.Replace(good, []byte("É"), []byte{0xff}, 1),
		"type is a number":   bytes.Replace(good, []byte(`"IntentRequest"`), []byte(`1`), 1),
		"application number": bytes.Replace(good, []byte(`"`+skillID+`"`), []byte(`1`), 1),
	} {
		require.ErrorIs(t, b.verify(body), signature.ErrRequest, name)
	}
}

func TestSkills(t *testing.T) {
	b := newBench(t)
	require.ErrorIs(t, b.verify(otherSkill()), signature.ErrSkill)
	require.ErrorIs(t, b.verify(bytes.Replace(intent(), []byte(`"applicationId"`), []byte(`"other"`), 1)), signature.ErrSkill)
	require.ErrorIs(t, b.verify(bytes.Replace(intent(), []byte(skillID), nil, 1)), signature.ErrSkill)
	b.Skills = []string{"another", skillID}
	require.NoError(t, b.verify(intent()))
	b.Skills = nil
	require.ErrorIs(t, b.verify(intent()), signature.ErrSkill, "an empty list accepts none")
	b.Skills = []string{""}
	require.ErrorIs(t, b.verify(bytes.Replace(intent(), []byte(skillID), nil, 1)), signature.ErrSkill)
}

func TestTime(t *testing.T) {
	at := func(age time.Duration) string { return quoted(now.Add(-age)) }
	const event, ordinary = "AlexaSkillEvent.SkillDisabled", "IntentRequest"
	for name, test := range map[string]struct {
		requestType, timestamp string
		want                   error
	}{
		"29 current":                    {ordinary, at(0), nil},
		"30 75 s past":                  {ordinary, at(75 * time.Second), nil},
		"31 75 s future":                {ordinary, at(-75 * time.Second), nil},
		"150 s past":                    {ordinary, at(150 * time.Second), nil},
		"150.001 s past":                {ordinary, at(150*time.Second + time.Millisecond), signature.ErrTime},
		"32 300 s past":                 {ordinary, at(300 * time.Second), signature.ErrTime},
		"150 s future":                  {ordinary, at(-150 * time.Second), nil},
		"33 150.2 s future":             {ordinary, at(-150*time.Second - 200*time.Millisecond), signature.ErrTime},
		"33 300 s future":               {ordinary, at(-300 * time.Second), signature.ErrTime},
		"34 null":                       {ordinary, "null", signature.ErrTime},
		"36 event, 3600 s":              {event, at(time.Hour), nil},
		"37 event, 1800 s":              {event, at(30 * time.Minute), nil},
		"38 event, 3601 s":              {event, at(time.Hour + time.Second), signature.ErrTime},
		"38 event, 3660 s":              {event, at(61 * time.Minute), signature.ErrTime},
		"38 event, 7200 s":              {event, at(2 * time.Hour), signature.ErrTime},
		"event, 150 s future":           {event, at(-150 * time.Second), nil},
		"event, 151 s future":           {event, at(-151 * time.Second), signature.ErrTime},
		"event, an hour in the future":  {event, at(-time.Hour), signature.ErrTime},
		"ProactiveSubscriptionChanged":  {"AlexaSkillEvent.ProactiveSubscriptionChanged", at(30 * time.Minute), nil},
		"list event":                    {"AlexaHouseholdListEvent.ItemsCreated", at(30 * time.Minute), nil},
		"reminder event":                {"Reminders.ReminderStarted", at(30 * time.Minute), nil},
		"audio event":                   {"AlexaAudioPlayQueueEvent.PlaybackStarted", at(30 * time.Minute), nil},
		"message":                       {"Messaging.MessageReceived", at(30 * time.Minute), nil},
		"grant":                         {"Alexa.Authorization.Grant", at(30 * time.Minute), nil},
		"data store":                    {"Alexa.DataStore.Error", at(30 * time.Minute), nil},
		"launch, 30 min":                {"LaunchRequest", at(30 * time.Minute), signature.ErrTime},
		"other interface, 30 min":       {"Alexa.Presentation.APL.UserEvent", at(30 * time.Minute), signature.ErrTime},
		"garbage":                       {ordinary, `"garbage"`, signature.ErrTime},
		"NaN":                           {ordinary, `"NaN"`, signature.ErrTime},
		"empty":                         {ordinary, `""`, signature.ErrTime},
		"an object":                     {ordinary, `{}`, signature.ErrTime},
		"the beginning of time":         {ordinary, `"0001-01-01T00:00:00Z"`, signature.ErrTime},
		"the end of time":               {event, `"9999-12-31T23:59:59Z"`, signature.ErrTime},
		"fractions":                     {ordinary, `"2026-03-01T11:59:59.52Z"`, nil},
		"another zone":                  {ordinary, `"2026-03-01T13:00:00+01:00"`, nil},
		"epoch milliseconds":            {ordinary, "1772366400000", nil},
		"epoch seconds":                 {ordinary, "1772366400", nil},
		"epoch milliseconds, 200 s old": {ordinary, "1772366200000", signature.ErrTime},
		"a number beyond every time":    {ordinary, "1e300", signature.ErrTime},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, newBench(t).verify(request(test.requestType, test.timestamp)), test.want)
		})
	}
	t.Run("34 missing", func(t *testing.T) {
		body := bytes.Replace(intent(), []byte(`"timestamp"`), []byte(`"other"`), 1)
		require.ErrorIs(t, newBench(t).verify(body), signature.ErrTime)
	})
	t.Run("34 no request", func(t *testing.T) {
		body := bytes.Replace(intent(), []byte(`"request"`), []byte(`"other"`), 1)
		require.ErrorIs(t, newBench(t).verify(body), signature.ErrTime)
	})
}

func TestFetch(t *testing.T) {
	answer := func(status int, body []byte) func(*http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) { return respond(r, status, body), nil }
	}
	for name, test := range map[string]struct {
		answer func(*http.Request) (*http.Response, error)
		want   error
	}{
		"7 status 200":                 {nil, nil},
		"8 status 400":                 {answer(400, nil), signature.ErrFetch},
		"status 503":                   {answer(503, nil), signature.ErrFetch},
		"9, 10 no response":            {func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }, signature.ErrFetch},
		"redirect":                     {redirect("/echo.api/other"), signature.ErrFetch},
		"10 MB":                        {answer(200, make([]byte, 10<<20)), signature.ErrFetch},
		"broken body":                  {brokenBody, signature.ErrFetch},
		"6 not PEM":                    {answer(200, []byte("hello")), signature.ErrCertificate},
		"empty PEM":                    {answer(200, nil), signature.ErrCertificate},
		"PEM of a broken certificate":  {answer(200, block([]byte("hello"))), signature.ErrCertificate},
		"PEM with a private key":       {answer(200, privateKey(t)), signature.ErrCertificate},
		"PEM with eleven certificates": {answer(200, bytes.Repeat(certificate(t), 11)), signature.ErrCertificate},
		"PEM with something behind":    {answer(200, append(certificate(t), "x"...)), signature.ErrCertificate},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.host.answer = test.answer
			require.ErrorIs(t, b.verify(intent()), test.want)
			require.Len(t, b.host.fetches(), 1)
		})
	}
}

func TestChain(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*pki)
		want   error
	}{
		"16 genuine":               {func(*pki) {}, nil},
		"14 expired":               {func(p *pki) { p.leaf.NotAfter = now.Add(-time.Second) }, signature.ErrCertificate},
		"14 intermediate expired":  {func(p *pki) { p.intermediate.NotAfter = now.Add(-time.Second) }, signature.ErrCertificate},
		"14 root expired":          {func(p *pki) { p.root.NotAfter = now.Add(-time.Second) }, signature.ErrCertificate},
		"15 not yet valid":         {func(p *pki) { p.leaf.NotBefore = now.Add(time.Second) }, signature.ErrCertificate},
		"valid at the last second": {func(p *pki) { p.leaf.NotAfter = now }, nil},
		"17 no SAN":                {func(p *pki) { p.leaf.DNSNames = nil }, signature.ErrCertificate},
		"17 other SAN":             {func(p *pki) { p.leaf.DNSNames = []string{"www.amazon.com"} }, signature.ErrCertificate},
		"one SAN of several":       {func(p *pki) { p.leaf.DNSNames = []string{"a.example", "echo-api.amazon.com"} }, nil},
		"wildcard SAN":             {func(p *pki) { p.leaf.DNSNames = []string{"*.amazon.com"} }, signature.ErrCertificate},
		"SAN as URI": {func(p *pki) {
			p.leaf.DNSNames, p.leaf.URIs = nil, []*url.URL{{Scheme: "https", Host: "echo-api.amazon.com"}}
		}, signature.ErrCertificate},
		"SAN as mail address":          {func(p *pki) { p.leaf.DNSNames, p.leaf.EmailAddresses = nil, []string{"echo-api.amazon.com"} }, signature.ErrCertificate},
		"ECDSA leaf":                   {func(p *pki) { p.key = ecdsaKey(t) }, signature.ErrCertificate},
		"not for servers":              {func(p *pki) { p.leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning} }, signature.ErrCertificate},
		"intermediate is no authority": {func(p *pki) { p.intermediate.IsCA = false }, signature.ErrCertificate},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPKI(t)
			test.change(p)
			leaf, intermediate, root := p.issue(t)
			b := newBenchOf(t, slices.Concat(block(leaf), block(intermediate)), root)
			require.ErrorIs(t, b.verify(intent()), test.want)
		})
	}

	p := newPKI(t)
	leaf, intermediate, root := p.issue(t)
	_, otherIntermediate, otherRoot := newPKI(t).issue(t)
	for name, test := range map[string]struct {
		chain []byte
		root  []byte
		want  error
	}{
		"18 gap":                          {slices.Concat(block(leaf), block(otherRoot)), root, signature.ErrCertificate},
		"leaf alone":                      {block(leaf), root, signature.ErrCertificate},
		"19 untrusted":                    {slices.Concat(block(leaf), block(intermediate)), otherRoot, signature.ErrCertificate},
		"19 untrusted, with its own root": {slices.Concat(block(leaf), block(intermediate), block(root)), otherRoot, signature.ErrCertificate},
		"self-signed":                     {block(selfSigned(t)), root, signature.ErrCertificate},
		"intermediate first":              {slices.Concat(block(intermediate), block(leaf)), root, signature.ErrCertificate},
		"with the root":                   {slices.Concat(block(leaf), block(intermediate), block(root)), root, nil},
		"with a tail that leads nowhere":  {slices.Concat(block(leaf), block(intermediate), block(otherIntermediate)), root, nil},
		"out of order behind the leaf":    {slices.Concat(block(leaf), block(otherRoot), block(root), block(intermediate)), root, nil},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, newBenchOf(t, test.chain, test.root).verify(intent()), test.want)
		})
	}
}

// 20: the official case trusts a self-signed leaf by its dates and name alone.
// Here nothing does.
func selfSigned(t *testing.T) []byte {
	p := newPKI(t)
	der, err := x509.CreateCertificate(rand.Reader, p.leaf, p.leaf, rsaKey().Public(), rsaKey())
	require.NoError(t, err)
	return der
}

func TestObserve(t *testing.T) {
	b := newBench(t)
	var seen []signature.Observation
	b.Observe = func(_ context.Context, o signature.Observation) { seen = append(seen, o) }
	require.NoError(t, b.verify(intent()))
	require.Error(t, b.verify(otherSkill()))
	require.Error(t, b.Verify(t.Context(), nil, nil))
	require.Len(t, seen, 3)
	require.Equal(t, signature.Observation{SkillID: skillID, RequestType: "IntentRequest"}, seen[0])
	require.Equal(t, signature.Observation{Err: signature.ErrSkill}, seen[1])
	require.Equal(t, signature.Observation{Err: signature.ErrHeader}, seen[2])
}

func FuzzVerify(f *testing.F) {
	body := intent()
	f.Add(certURL, sign(rsaKey(), body), body)
	f.Add(certURL+"/../x?y", "aGVsbG8=", []byte(`{"request":{"type":1}}`))
	b := newBench(f)
	causes := []error{
		signature.ErrHeader, signature.ErrURL, signature.ErrRequest, signature.ErrTime, signature.ErrSkill,
		signature.ErrFetch, signature.ErrCertificate, signature.ErrSignature,
	}
	f.Fuzz(func(t *testing.T, url, encoded string, data []byte) {
		err := b.Verify(t.Context(), http.Header{"Signaturecertchainurl": {url}, "Signature-256": {encoded}}, data)
		if err == nil {
			require.Equal(t, body, data, "accepted what nobody signed")
			return
		}
		require.True(t, slices.ContainsFunc(causes, func(cause error) bool { return errors.Is(err, cause) }), "no cause: %v", err)
		for _, fetched := range b.host.fetches() {
			require.True(t, strings.HasPrefix(fetched, "https://s3.amazonaws.com/echo.api/"))
		}
	})
}

func signSHA1(body []byte) string {
	sum := sha1.Sum(body)
	signed, err := rsa.SignPKCS1v15(nil, rsaKey(), crypto.SHA1, sum[:])
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(signed)
}

// loosen sets bits of the last character that stand for nothing.
func loosen(encoded string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	last := len(strings.TrimRight(encoded, "=")) - 1
	return encoded[:last] + string(alphabet[strings.IndexByte(alphabet, encoded[last])|1]) + encoded[last+1:]
}

func zipped(data []byte) []byte {
	var buffer bytes.Buffer
	w := gzip.NewWriter(&buffer)
	_, _ = w.Write(data)
	_ = w.Close()
	return buffer.Bytes()
}

func ecdsaKey(t *testing.T) crypto.Signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func certificate(t *testing.T) []byte { return block(selfSigned(t)) }

func privateKey(t *testing.T) []byte {
	return append(certificate(t), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("not a real one")})...)
}

func brokenBody(r *http.Request) (*http.Response, error) {
	response := respond(r, http.StatusOK, nil)
	response.Body = io.NopCloser(io.MultiReader(bytes.NewReader([]byte("-----BEGIN")), failing{}))
	return response, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
