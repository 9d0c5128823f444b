package identity_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/skillevents"
)

// The user ID mapping of a backend, which others call an IdentityStore: account linking
// and, two days later, disabling the skill become one row of the table.
func ExampleRecorder() {
	ctx := context.Background()
	store := new(identity.MemoryStore)
	recorder := &identity.Recorder{
		Store: store,
		Account: func(_ context.Context, accessToken string) (string, error) {
			if accessToken != "the-token-of-jane" {
				return "", identity.ErrNoAccount
			}
			return "jane@example.com", nil
		},
	}

	// In a backend the handlers of package skillevents call recorder.Record.
	for _, body := range []string{
		`{"request":{"type":"AlexaSkillEvent.SkillAccountLinked","timestamp":"2026-03-01T12:00:00Z","body":{"accessToken":"the-token-of-jane"}},
		  "context":{"System":{"application":{"applicationId":"amzn1.ask.skill.1"},"user":{"userId":"amzn1.ask.account.AF4R"}}}}`,
		`{"request":{"type":"AlexaSkillEvent.SkillDisabled","timestamp":"2026-03-03T12:00:00Z","body":{"userInformationPersistenceStatus":"NOT_PERSISTED"}},
		  "context":{"System":{"application":{"applicationId":"amzn1.ask.skill.1"},"user":{"userId":"amzn1.ask.account.AF4R"}}}}`,
	} {
		event, err := skillevents.Parse([]byte(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := recorder.Record(ctx, event); err != nil {
			fmt.Println(err)
			return
		}
	}

	for record, err := range store.UserRecords(ctx, "amzn1.ask.skill.1", "amzn1.ask.account.AF4R") {
		if err != nil {
			fmt.Println(err)
			return
		}
		row, _ := json.MarshalIndent(record, "", "  ")
		fmt.Println(string(row))
	}
	// Output:
	// {
	//   "ID": "a42bf2590a68a3fd1c88ce515217fce0",
	//   "SkillID": "amzn1.ask.skill.1",
	//   "AmazonUserID": "amzn1.ask.account.AF4R",
	//   "AccountID": "jane@example.com",
	//   "StartDatetime": "2026-03-01T12:00:00Z",
	//   "EndDatetime": "2026-03-03T12:00:00Z"
	// }
}

// A skill without account linking knows its customers by user ID and time alone.
// Seen records users whose SkillEnabled event was lost.
func ExampleRecorder_Seen() {
	ctx := context.Background()
	store := new(identity.MemoryStore)
	recorder := &identity.Recorder{Store: store}

	launch, err := skillevents.Parse([]byte(
		`{"request":{"type":"LaunchRequest","timestamp":"2026-03-01T12:00:00Z","locale":"en-GB"},
		  "context":{"System":{"application":{"applicationId":"amzn1.ask.skill.1"},"user":{"userId":"amzn1.ask.account.AF4R"}}}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 { // the first request of a user makes a record, the others make none
		if err := recorder.Seen(ctx, launch); err != nil {
			fmt.Println(err)
			return
		}
	}
	for record, err := range store.UserRecords(ctx, "amzn1.ask.skill.1", "amzn1.ask.account.AF4R") {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s, open: %t, account: %q\n", record.StartDatetime, record.Open(), record.AccountID)
	}
	// Output:
	// 2026-03-01 12:00:00 +0000 UTC, open: true, account: ""
}

// A customer of a skill without account linking names the account. The account holds
// from the enablement on.
func ExampleRecorder_Link() {
	ctx := context.Background()
	store := new(identity.MemoryStore)
	recorder := &identity.Recorder{Store: store}

	enabled := &skillevents.SkillEnabled{Envelope: skillevents.Envelope{
		SkillID: "amzn1.ask.skill.1", UserID: "amzn1.ask.account.AF4R", Timestamp: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	}}
	if err := recorder.Record(ctx, enabled); err != nil {
		fmt.Println(err)
		return
	}

	// Days later, in a request with the same user ID: "my customer number is 4711".
	if err := recorder.Link(ctx, "amzn1.ask.skill.1", "amzn1.ask.account.AF4R", "4711"); err != nil {
		fmt.Println(err)
		return
	}
	for record, err := range store.AccountRecords(ctx, "4711") {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(record.AmazonUserID, record.StartDatetime)
	}
	// Output:
	// amzn1.ask.account.AF4R 2026-03-01 12:00:00 +0000 UTC
}

// Events without an account or a user are acknowledged. Observe counts them.
func ExampleObservation() {
	recorder := &identity.Recorder{
		Store: new(identity.MemoryStore),
		Observe: func(_ context.Context, o identity.Observation) {
			fmt.Println(o.EventType, o.Kind, o.Outcome)
		},
	}
	event := &skillevents.SkillDisabled{Envelope: skillevents.Envelope{
		Type:      "AlexaSkillEvent.SkillDisabled",
		SkillID:   "amzn1.ask.skill.1",
		Timestamp: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	}}
	if err := recorder.Record(context.Background(), event); err != nil {
		fmt.Println(err)
	}
	// Output:
	// AlexaSkillEvent.SkillDisabled disabled no_user
}

// The account that a user ID belonged to at a given time.
func ExampleAccount() {
	ctx := context.Background()
	store := new(identity.MemoryStore)
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	for _, fact := range []identity.Fact{
		{SkillID: "skill-1", AmazonUserID: "user-1", At: day(1), Kind: identity.Linked, AccountID: "jane"},
		{SkillID: "skill-1", AmazonUserID: "user-1", At: day(5), Kind: identity.Disabled},
	} { // a Recorder adds the facts of events
		if err := store.AddFact(ctx, fact); err != nil {
			fmt.Println(err)
			return
		}
	}

	for _, n := range []int{3, 6} {
		account, err := identity.Account(ctx, store, "skill-1", "user-1", day(n))
		switch {
		case errors.Is(err, identity.ErrNoRecord):
			fmt.Println("no account")
		case err != nil:
			fmt.Println(err)
		default:
			fmt.Println(account)
		}
	}
	// Output:
	// jane
	// no account
}

// The Alexa users of an account, past and present.
func ExampleMemoryStore_AccountRecords() {
	ctx := context.Background()
	store := new(identity.MemoryStore)
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	for _, fact := range []identity.Fact{
		{SkillID: "skill-1", AmazonUserID: "user-1", At: day(1), Kind: identity.Linked, AccountID: "jane"},
		{SkillID: "skill-1", AmazonUserID: "user-1", At: day(5), Kind: identity.Disabled},
		{SkillID: "skill-1", AmazonUserID: "user-2", At: day(8), Kind: identity.Enabled},
		{SkillID: "skill-1", AmazonUserID: "user-2", At: day(9), Kind: identity.Linked, AccountID: "jane"},
	} { // a Recorder adds the facts of events
		if err := store.AddFact(ctx, fact); err != nil {
			fmt.Println(err)
			return
		}
	}

	for record, err := range store.AccountRecords(ctx, "jane") {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(record.AmazonUserID, "open:", record.Open())
	}
	// Output:
	// user-1 open: false
	// user-2 open: true
}

// Amazon names a user ID without a skill. An empty skill ID finds the records of all
// skills.
func ExampleMemoryStore_UserRecords() {
	ctx := context.Background()
	store := new(identity.MemoryStore)
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	for _, fact := range []identity.Fact{
		{SkillID: "skill-1", AmazonUserID: "user-3", At: day(2), Kind: identity.Linked, AccountID: "john"},
		{SkillID: "skill-2", AmazonUserID: "user-3", At: day(3), Kind: identity.Linked, AccountID: "john"},
	} { // a Recorder adds the facts of events
		if err := store.AddFact(ctx, fact); err != nil {
			fmt.Println(err)
			return
		}
	}

	for record, err := range store.UserRecords(ctx, "", "user-3") {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(record.SkillID, record.AccountID)
	}
	// Output:
	// skill-1 john
	// skill-2 john
}

// The records that a customer may ask for.
func ExampleExport() {
	ctx := context.Background()
	store := new(identity.MemoryStore)
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	for _, fact := range []identity.Fact{
		{SkillID: "skill-1", AmazonUserID: "user-1", At: day(1), Kind: identity.Linked, AccountID: "jane"},
		{SkillID: "skill-1", AmazonUserID: "user-1", At: day(5), Kind: identity.Disabled},
		{SkillID: "skill-1", AmazonUserID: "user-2", At: day(8), Kind: identity.Enabled},
		{SkillID: "skill-1", AmazonUserID: "user-2", At: day(9), Kind: identity.Linked, AccountID: "jane"},
	} { // a Recorder adds the facts of events
		if err := store.AddFact(ctx, fact); err != nil {
			fmt.Println(err)
			return
		}
	}

	for record, err := range identity.Export(ctx, store, "jane") {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(record.AmazonUserID, record.StartDatetime.Format(time.DateOnly))
	}
	// Output:
	// user-1 2026-03-01
	// user-2 2026-03-09
}

// After a SkillDisabled event that says NOT_PERSISTED, the user ID does not return.
// This backend deletes its data of that user ID, and then the user.
func ExampleMemoryStore_EraseUser() {
	ctx := context.Background()
	store := new(identity.MemoryStore)
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	for _, fact := range []identity.Fact{
		{SkillID: "skill-1", AmazonUserID: "user-3", At: day(2), Kind: identity.Linked, AccountID: "john"},
		{SkillID: "skill-2", AmazonUserID: "user-3", At: day(3), Kind: identity.Linked, AccountID: "john"},
	} { // a Recorder adds the facts of events
		if err := store.AddFact(ctx, fact); err != nil {
			fmt.Println(err)
			return
		}
	}
	recorder := &identity.Recorder{Store: store}
	settings := map[string]string{"user-3": "warm white"} // the backend's own data, by user ID

	receive := func(ctx context.Context, event skillevents.Event) error {
		if err := recorder.Record(ctx, event); err != nil {
			return err
		}
		disabled, ok := event.(*skillevents.SkillDisabled)
		if !ok || disabled.UserInformationPersistenceStatus != skillevents.NotPersisted {
			return nil
		}
		delete(settings, disabled.UserID)
		return store.EraseUser(ctx, disabled.SkillID, disabled.UserID)
	}

	err := receive(ctx, &skillevents.SkillDisabled{
		Envelope:                         skillevents.Envelope{SkillID: "skill-1", UserID: "user-3", Timestamp: day(20)},
		UserInformationPersistenceStatus: skillevents.NotPersisted,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for record, err := range store.UserRecords(ctx, "", "user-3") {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s, account %q, open: %t\n", record.SkillID, record.AccountID, record.Open())
	}
	// Output:
	// skill-1, account "", open: false
	// skill-2, account "john", open: true
}

// A customer closes an account. The backend deletes it from its own database first:
// then its access tokens resolve to ErrNoAccount, and a redelivered event cannot
// restore it.
func ExampleMemoryStore_EraseAccount() {
	ctx := context.Background()
	store := new(identity.MemoryStore)
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	for _, fact := range []identity.Fact{
		{SkillID: "skill-1", AmazonUserID: "user-1", At: day(1), Kind: identity.Linked, AccountID: "jane"},
		{SkillID: "skill-1", AmazonUserID: "user-1", At: day(5), Kind: identity.Disabled},
	} { // a Recorder adds the facts of events
		if err := store.AddFact(ctx, fact); err != nil {
			fmt.Println(err)
			return
		}
	}
	accounts := map[string]string{"the-token-of-jane": "jane"}
	recorder := &identity.Recorder{
		Store: store,
		Account: func(_ context.Context, accessToken string) (string, error) {
			if account, ok := accounts[accessToken]; ok {
				return account, nil
			}
			return "", identity.ErrNoAccount
		},
	}

	delete(accounts, "the-token-of-jane")
	if err := store.EraseAccount(ctx, "jane"); err != nil {
		fmt.Println(err)
		return
	}
	late := &skillevents.SkillAccountLinked{
		Envelope:    skillevents.Envelope{SkillID: "skill-1", UserID: "user-1", Timestamp: day(1)},
		AccessToken: "the-token-of-jane",
	}
	if err := recorder.Record(ctx, late); err != nil {
		fmt.Println(err)
		return
	}
	for record, err := range store.AccountRecords(ctx, "jane") {
		fmt.Println("unexpected:", record.AmazonUserID, err)
	}
	for record, err := range store.UserRecords(ctx, "skill-1", "user-1") {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("account %q, open: %t\n", record.AccountID, record.Open())
	}
	// Output:
	// account "", open: false
}

// Purge removes the users whose last fact is older than a limit. A backend chooses a
// limit of years.
func ExampleMemoryStore_Purge() {
	ctx := context.Background()
	store := new(identity.MemoryStore)
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	for _, fact := range []identity.Fact{
		{SkillID: "skill-1", AmazonUserID: "user-1", At: day(1), Kind: identity.Linked, AccountID: "jane"},
		{SkillID: "skill-1", AmazonUserID: "user-1", At: day(5), Kind: identity.Disabled},
		{SkillID: "skill-1", AmazonUserID: "user-2", At: day(8), Kind: identity.Enabled},
		{SkillID: "skill-1", AmazonUserID: "user-2", At: day(9), Kind: identity.Linked, AccountID: "jane"},
		{SkillID: "skill-1", AmazonUserID: "user-3", At: day(2), Kind: identity.Linked, AccountID: "john"},
	} { // a Recorder adds the facts of events
		if err := store.AddFact(ctx, fact); err != nil {
			fmt.Println(err)
			return
		}
	}

	if err := store.Purge(ctx, day(6)); err != nil {
		fmt.Println(err)
		return
	}
	for _, account := range []string{"jane", "john"} {
		for record, err := range store.AccountRecords(ctx, account) {
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(account, record.AmazonUserID)
		}
	}
	// Output:
	// jane user-2
}

// Access tokens that are JSON Web Tokens name the account. Exists asks the backend's own
// database whether it still exists.
func ExampleJWT() {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	accounts := map[string]bool{"jane": true}
	resolver := &identity.JWT{
		Keyfunc:  func(*jwt.Token) (any, error) { return public, nil }, // or that of a JWKS client
		Issuer:   "https://auth.example.com",
		Audience: "my-skill", // for Amazon Cognito the ID of the app client
		Exists:   func(_ context.Context, accountID string) (bool, error) { return accounts[accountID], nil },
	}
	recorder := &identity.Recorder{Store: new(identity.MemoryStore), Account: resolver.Account}

	token, err := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{
		"iss": "https://auth.example.com",
		"aud": "my-skill",
		"sub": "jane",
		"exp": time.Now().Add(-time.Hour).Unix(), // the event is late
	}).SignedString(private)
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err := recorder.Account(context.Background(), token)
	fmt.Println(account, err)

	delete(accounts, "jane") // jane closes her account
	_, err = recorder.Account(context.Background(), token)
	fmt.Println(errors.Is(err, identity.ErrNoAccount))

	resolver.Audience = "another-skill" // a mistake: Alexa redelivers the event until it is mended
	_, err = recorder.Account(context.Background(), token)
	fmt.Println(errors.Is(err, identity.ErrNoAccount), errors.Is(err, identity.ErrMisconfigured))
	// Output:
	// jane <nil>
	// true
	// false true
}
