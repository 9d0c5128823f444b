package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/signature"
)

func TestEndpoints(t *testing.T) {
	cloud := alexatest.NewCloud()
	verifier := &signature.Verifier{Skills: []string{skillID}, Roots: cloud.Roots(), HTTPClient: cloud.Client()}
	store := new(identity.MemoryStore)
	recorder := &identity.Recorder{Store: store, Account: func(context.Context, string) (string, error) { return "alice", nil }}
	handler := endpoints(verifier, recorder)
	send := func(request *http.Request) int {
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, request)
		return response.Code
	}

	customer := &alexatest.Customer{SkillID: skillID}
	userID := customer.UserID()
	enabled := customer.Enable()
	events := alexatest.Deliveries(1, enabled, customer.Link("token-of-alice"), customer.Disable())
	for _, event := range events { // duplicates, out of order, as Alexa may deliver them
		if status := send(cloud.NewRequest("https://backend.example/alexa/events", event)); status != http.StatusOK {
			t.Errorf("a genuine event: got %d", status)
		}
	}
	for name, forgery := range cloud.Forgeries("https://backend.example/alexa/events", enabled) {
		if status := send(forgery); status != http.StatusBadRequest {
			t.Errorf("a forged event, %s: got %d", name, status)
		}
	}

	rows := 0
	for record, err := range store.AccountRecords(t.Context(), "alice") {
		if err != nil || record.AmazonUserID != userID || record.Open() {
			t.Errorf("unexpected record %v, %v", record, err)
		}
		rows++
	}
	if rows != 1 {
		t.Errorf("got %d records", rows)
	}
}
