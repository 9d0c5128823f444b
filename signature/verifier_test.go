package signature_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto"
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
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/certs/certstest"
	"github.com/alexaevents/alexaevents/signature"
)

// The numbers in the names of tests are those of the 41 cases that the official
// SDKs for Java, Python and Node.js test between them. The following do not
// apply. 21: a runtime too old for the cryptography. 26, 27 and 28: the
// tolerance is Amazon's and cannot be set. 35: the tolerance as a pair of
// number and unit. 41: the verifier cannot be replaced.

func TestHeaders(t *testing.T) {
	body := intent()
	good := sign(certstest.Key(), body)
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
		"3 among other headers":    {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {good}, "Content-Range": {"x"}, "X-Forwarded-For-Proxy": {"x"}, "\u017fignature-256": {"x"}}, nil},
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
		"base64 with loose bits":   {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {certstest.Loosen(good)}}, signature.ErrSignature},
		"base64 of the URL kind":   {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {strings.Repeat("-_", 171) + "=="}}, signature.ErrSignature},
		"length of another key":    {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {base64.StdEncoding.EncodeToString(make([]byte, 384))}}, signature.ErrSignature},
		"a signature of all zeros": {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {base64.StdEncoding.EncodeToString(make([]byte, 256))}}, signature.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			require.ErrorIs(t, b.Verify(t.Context(), test.header, body), test.want)
		})
	}
}

// A request that can be refused without the certificate causes no fetch.
func TestRefusedWithoutNetwork(t *testing.T) {
	stale := request("IntentRequest", quoted(now.Add(-time.Hour)))
	for name, test := range map[string]struct {
		header http.Header
		body   []byte
		want   error
	}{
		"base64":  {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {"?"}}, intent(), signature.ErrSignature},
		"length":  {http.Header{"Signaturecertchainurl": {certURL}, "Signature-256": {"aGVsbG8="}}, intent(), signature.ErrSignature},
		"URL":     {http.Header{"Signaturecertchainurl": {"https://example.com"}, "Signature-256": {sign(certstest.Key(), nil)}}, intent(), signature.ErrURL},
		"time":    {signed(stale), stale, signature.ErrTime},
		"request": {signed(nil), nil, signature.ErrRequest},
		"skill":   {signed(otherSkill()), otherSkill(), signature.ErrSkill},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			require.ErrorIs(t, b.Verify(t.Context(), test.header, test.body), test.want)
			require.Empty(t, b.host.Calls())
		})
	}
}

func otherSkill() []byte {
	return bytes.Replace(intent(), []byte(skillID), []byte("amzn1.ask.skill.other"), 1)
}

func TestURLVariantsShareOneFetch(t *testing.T) {
	b := newBench()
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
	require.Equal(t, []string{certURL}, b.host.Calls(), "the normalised URL, once")
}

func TestBody(t *testing.T) {
	b := newBench()
	good := intent()
	require.NoError(t, b.verify(good)) // 22, 25, with an É in the user ID

	for name, body := range map[string][]byte{
		"23 changed":          bytes.Replace(good, []byte(`"r"`), []byte(`"s"`), 1),
		"trailing whitespace": append(bytes.Clone(good), '\n'),
		"re-serialised":       bytes.ReplaceAll(good, []byte(`,"`), []byte(`, "`)),
	} {
		require.ErrorIs(t, b.Verify(t.Context(), signed(good), body), signature.ErrSignature, name)
	}
	header := signed(good)
	header.Set("Signature-256", sign(certstest.OtherKey(), good))
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

// A type has at most 1 KiB in the JSON.
func TestLongType(t *testing.T) {
	b := newBench()
	longest := strings.Repeat("x", 1<<10-len(`""`))
	require.NoError(t, b.verify(request(longest, quoted(now))))
	require.ErrorIs(t, b.verify(request(longest+"x", quoted(now))), signature.ErrRequest)
}

func TestSkills(t *testing.T) {
	b := newBench()
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

func TestFetch(t *testing.T) {
	respond := func(status int, body []byte) func(*http.Request) (*http.Response, error) {
		return func(*http.Request) (*http.Response, error) { return certstest.Response(status, body), nil }
	}
	for name, test := range map[string]struct {
		respond func(*http.Request) (*http.Response, error)
		want    error
	}{
		"7 status 200":                {nil, nil},
		"8 status 400":                {respond(400, nil), signature.ErrCertificate},
		"status 403":                  {respond(403, certificate()), signature.ErrCertificate},
		"status 404":                  {respond(404, nil), signature.ErrCertificate},
		"status 407":                  {respond(407, nil), signature.ErrFetch},
		"status 429":                  {respond(429, nil), signature.ErrFetch},
		"status 203":                  {respond(203, certificate()), signature.ErrFetch},
		"status 206":                  {respond(206, certificate()), signature.ErrFetch},
		"status 503":                  {respond(503, nil), signature.ErrFetch},
		"9, 10 no response":           {func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }, signature.ErrFetch},
		"redirect":                    {redirect("/echo.api/other"), signature.ErrFetch},
		"10 MB":                       {respond(200, make([]byte, 10<<20)), signature.ErrCertificate},
		"broken body":                 {brokenBody, signature.ErrFetch},
		"6 not PEM":                   {respond(200, []byte("hello")), signature.ErrCertificate},
		"empty PEM":                   {respond(200, nil), signature.ErrCertificate},
		"PEM of a broken certificate": {respond(200, certstest.PEM(&x509.Certificate{Raw: []byte("hello")})), signature.ErrCertificate},
		"PEM with a private key":      {respond(200, privateKey()), signature.ErrCertificate},
		"PEM with something behind":   {respond(200, append(certificate(), "x"...)), signature.ErrCertificate},
		"PEM with something before":   {respond(200, append([]byte("x\n"), certificate()...)), signature.ErrCertificate},
		"PEM with something between":  {respond(200, slices.Concat(certificate(), []byte("x\n"), certificate())), signature.ErrCertificate},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			b.host.Respond = test.respond
			require.ErrorIs(t, b.verify(intent()), test.want)
			if errors.Is(test.want, signature.ErrFetch) {
				require.Len(t, b.host.Calls(), 2, "with one retry")
			} else {
				require.Len(t, b.host.Calls(), 1)
			}
		})
	}
}

// The largest response is 64 KiB, the longest chain ten certificates.
func TestFetchLimits(t *testing.T) {
	leaf, intermediate, root := newPKI().Issue()
	chain := certstest.PEM(leaf, intermediate)
	padded := func(size int) []byte { return slices.Concat(chain, bytes.Repeat([]byte("\n"), size-len(chain))) }
	for name, test := range map[string]struct {
		chain []byte
		want  error
	}{
		"64 KiB":              {padded(64 << 10), nil},
		"a byte more":         {padded(64<<10 + 1), signature.ErrCertificate},
		"ten certificates":    {slices.Concat(chain, bytes.Repeat(certstest.PEM(root), 8)), nil},
		"eleven certificates": {slices.Concat(chain, bytes.Repeat(certstest.PEM(root), 9)), signature.ErrCertificate},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, newBenchOf(test.chain, root).verify(intent()), test.want)
		})
	}
}

func TestChain(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*certstest.PKI)
		want   error
	}{
		"16 genuine":               {func(*certstest.PKI) {}, nil},
		"14 expired":               {func(p *certstest.PKI) { p.Leaf.NotAfter = now.Add(-time.Second) }, signature.ErrCertificate},
		"14 intermediate expired":  {func(p *certstest.PKI) { p.Intermediate.NotAfter = now.Add(-time.Second) }, signature.ErrCertificate},
		"14 root expired":          {func(p *certstest.PKI) { p.Root.NotAfter = now.Add(-time.Second) }, signature.ErrCertificate},
		"15 not yet valid":         {func(p *certstest.PKI) { p.Leaf.NotBefore = now.Add(time.Second) }, signature.ErrCertificate},
		"valid at the last second": {func(p *certstest.PKI) { p.Leaf.NotAfter = now }, nil},
		"17 no SAN":                {func(p *certstest.PKI) { p.Leaf.DNSNames = nil }, signature.ErrCertificate},
		"17 other SAN":             {func(p *certstest.PKI) { p.Leaf.DNSNames = []string{"www.amazon.com"} }, signature.ErrCertificate},
		"one SAN of several":       {func(p *certstest.PKI) { p.Leaf.DNSNames = []string{"a.example", "echo-api.amazon.com"} }, nil},
		"wildcard SAN":             {func(p *certstest.PKI) { p.Leaf.DNSNames = []string{"*.amazon.com"} }, signature.ErrCertificate},
		"SAN as URI": {func(p *certstest.PKI) {
			p.Leaf.DNSNames, p.Leaf.URIs = nil, []*url.URL{{Scheme: "https", Host: "echo-api.amazon.com"}}
		}, signature.ErrCertificate},
		"SAN as mail address":          {func(p *certstest.PKI) { p.Leaf.DNSNames, p.Leaf.EmailAddresses = nil, []string{"echo-api.amazon.com"} }, signature.ErrCertificate},
		"ECDSA leaf":                   {func(p *certstest.PKI) { p.Key = certstest.NewECDSAKey() }, signature.ErrCertificate},
		"for any use":                  {func(p *certstest.PKI) { p.Leaf.ExtKeyUsage = nil }, nil},
		"not for servers":              {func(p *certstest.PKI) { p.Leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning} }, signature.ErrCertificate},
		"intermediate is no authority": {func(p *certstest.PKI) { p.Intermediate.IsCA = false }, signature.ErrCertificate},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPKI()
			test.change(p)
			b := newBenchWith(p)
			require.ErrorIs(t, b.verify(intent()), test.want)
		})
	}

	leaf, intermediate, root := newPKI().Issue()
	_, otherIntermediate, otherRoot := newPKI().Issue()
	for name, test := range map[string]struct {
		chain []byte
		root  *x509.Certificate
		want  error
	}{
		"18 gap":                          {certstest.PEM(leaf, otherRoot), root, signature.ErrCertificate},
		"leaf alone":                      {certstest.PEM(leaf), root, signature.ErrCertificate},
		"19 untrusted":                    {certstest.PEM(leaf, intermediate), otherRoot, signature.ErrCertificate},
		"19 untrusted, with its own root": {certstest.PEM(leaf, intermediate, root), otherRoot, signature.ErrCertificate},
		"self-signed":                     {certificate(), root, signature.ErrCertificate},
		"intermediate first":              {certstest.PEM(intermediate, leaf), root, signature.ErrCertificate},
		"with the root":                   {certstest.PEM(leaf, intermediate, root), root, nil},
		"with a tail that leads nowhere":  {certstest.PEM(leaf, intermediate, otherIntermediate), root, nil},
		"out of order behind the leaf":    {certstest.PEM(leaf, otherRoot, root, intermediate), root, nil},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, newBenchOf(test.chain, test.root).verify(intent()), test.want)
		})
	}
}

// certificate is self-signed. 20: the official case trusts such a leaf by its
// dates and name alone. Here nothing does.
func certificate() []byte { return certstest.PEM(newPKI().SelfSigned()) }

func TestObserve(t *testing.T) {
	b := newBench()
	var seen []signature.Observation
	b.Observe = func(_ context.Context, o signature.Observation) { seen = append(seen, o) }
	require.NoError(t, b.verify(intent()))
	require.Error(t, b.verify(otherSkill()))
	require.Error(t, b.Verify(t.Context(), nil, nil))
	unsigned, broken := post(intent()), post(intent())
	unsigned.Header = nil
	broken.Body = io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF))
	for _, r := range []*http.Request{unsigned, broken} {
		_, err := b.Read(r)
		require.Error(t, err)
	}
	require.Len(t, seen, 5)
	require.Equal(t, signature.Observation{SkillID: skillID, RequestType: "IntentRequest"}, seen[0])
	require.ErrorIs(t, seen[1].Err, signature.ErrSkill)
	require.Equal(t, signature.Observation{Err: seen[1].Err}, seen[1])
	require.Equal(t, signature.Observation{Err: signature.ErrHeader}, seen[2])
	require.Equal(t, signature.Observation{Err: signature.ErrHeader}, seen[3])
	require.ErrorIs(t, seen[4].Err, signature.ErrBody)
}

func FuzzVerify(f *testing.F) {
	body := intent()
	f.Add(certURL, sign(certstest.Key(), body), body)
	f.Add(certURL+"/../x?y", "aGVsbG8=", []byte(`{"request":{"type":1}}`))
	b := newBench()
	causes := []error{
		signature.ErrHeader, signature.ErrURL, signature.ErrRequest, signature.ErrTime, signature.ErrSkill,
		signature.ErrFetch, signature.ErrCertificate, signature.ErrSignature,
	}
	f.Fuzz(func(t *testing.T, url, encoded string, data []byte) {
		err := b.Verify(t.Context(), http.Header{"Signaturecertchainurl": {url}, "Signature-256": {encoded}}, data)
		if err == nil {
			require.Equal(t, body, data, "accepted an unsigned message")
			return
		}
		require.True(t, slices.ContainsFunc(causes, func(cause error) bool { return errors.Is(err, cause) }), "no cause: %v", err)
		for _, fetched := range b.host.Calls() {
			require.True(t, strings.HasPrefix(fetched, "https://s3.amazonaws.com/echo.api/"))
		}
	})
}

func signSHA1(body []byte) string {
	sum := sha1.Sum(body)
	signed, err := rsa.SignPKCS1v15(nil, certstest.Key(), crypto.SHA1, sum[:])
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(signed)
}

func zipped(data []byte) []byte {
	var buffer bytes.Buffer
	w := gzip.NewWriter(&buffer)
	_, _ = w.Write(data)
	_ = w.Close()
	return buffer.Bytes()
}

func privateKey() []byte {
	return append(certificate(), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("not a real one")})...)
}

// redirect responds to every fetch with a redirect to the path.
func redirect(to string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		response := certstest.Response(http.StatusFound, nil)
		response.Header.Set("Location", to)
		return response, nil
	}
}

func brokenBody(*http.Request) (*http.Response, error) {
	response := certstest.Response(http.StatusOK, nil)
	response.Body = io.NopCloser(io.MultiReader(bytes.NewReader([]byte("-----BEGIN")), iotest.ErrReader(io.ErrUnexpectedEOF)))
	return response, nil
}
