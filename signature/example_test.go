package signature_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/signature"
)

// The endpoint of a skill behind a verifier, with Amazon in memory as its
// caller. Outside a test, leave out Roots and HTTPClient.
func ExampleVerifier_Handler() {
	cloud := alexatest.NewCloud()
	verifier := &signature.Verifier{
		Skills:     []string{"amzn1.ask.skill.example"},
		Roots:      cloud.Roots(),
		HTTPClient: cloud.Client(),
	}
	skill := verifier.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"version":"1.0","response":{}}`)
	}))
	post := func(r *http.Request) {
		w := httptest.NewRecorder()
		skill.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}

	customer := alexatest.Customer{SkillID: "amzn1.ask.skill.example"}
	request := cloud.NewRequest("https://backend.example/alexa", customer.Launch())
	post(request)

	request = cloud.NewRequest("https://backend.example/alexa", customer.Launch())
	request.Header.Del("Signature-256")
	post(request)
	// Output:
	// 200 {"version":"1.0","response":{}}
	// 400
}

// A backend without net/http handlers verifies the headers and the exact bytes
// of the body.
func ExampleVerifier_Verify() {
	cloud := alexatest.NewCloud()
	verifier := &signature.Verifier{
		Skills:     []string{"amzn1.ask.skill.example"},
		Roots:      cloud.Roots(),
		HTTPClient: cloud.Client(),
	}
	body := (&alexatest.Customer{SkillID: "amzn1.ask.skill.example"}).Enable()
	request := cloud.NewRequest("https://backend.example/alexa/events", body)
	ctx := request.Context()

	fmt.Println(verifier.Verify(ctx, request.Header, body))
	fmt.Println(verifier.Verify(ctx, request.Header, append(body, '\n')))
	// Output:
	// <nil>
	// signature: the signature does not match the body: Alexa has not signed it, or a proxy has changed it on the way
}
