package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/transfer"
)

// The table that a backend has kept until now goes into a store, which may know
// some of it from events already.
func ExampleImport_Customers() {
	file := strings.NewReader(`ID,AmazonUserID,AccountID,StartDatetime,EndDatetime
1,amzn1.ask.account.AF4R,jane@example.com,2019-09-01T00:00:00Z,2019-09-06T00:00:00Z
2,amzn1.ask.account.AF4R,john@example.com,2019-09-06T00:00:00Z,
3,amzn1.ask.account.AHAD,jane@example.com,2019-09-15T00:00:00Z,
`)
	ctx := context.Background()
	store := new(identity.MemoryStore)
	stored := 0 // the Skip of another import, should this one fail
	table := &transfer.Import{SkillID: "amzn1.ask.skill.1", Progress: func(rows int) { stored = rows }}
	if err := table.Customers(ctx, store, file); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(stored, "rows")
	for record, err := range store.AccountRecords(ctx, "jane@example.com") {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(record.AmazonUserID, record.StartDatetime, record.Open())
	}
	// Output:
	// 3 rows
	// amzn1.ask.account.AF4R 2019-09-01 00:00:00 +0000 UTC false
	// amzn1.ask.account.AHAD 2019-09-15 00:00:00 +0000 UTC true
}

// A file is checked before anything of it is stored.
func ExampleImport_Customers_check() {
	file := strings.NewReader(`AmazonUserID,AccountID,StartDatetime,EndDatetime
amzn1.ask.account.AF4R,jane@example.com,2019-09-01T00:00:00Z,
amzn1.ask.account.AHAD,john@example.com,15 September 2019,
`)
	check := &transfer.Import{SkillID: "amzn1.ask.skill.1", Check: true}
	err := check.Customers(context.Background(), new(identity.MemoryStore), file)
	fmt.Println(errors.Is(err, transfer.ErrInvalidFile))
	fmt.Println(err)
	// Output:
	// true
	// transfer: invalid file: line 3: StartDatetime is not a time in RFC 3339
}

// All that a store knows, as rows of JSON.
func ExampleExport_Customers() {
	ctx := context.Background()
	store := new(identity.MemoryStore)
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, fact := range []identity.Fact{
		{SkillID: "amzn1.ask.skill.1", AmazonUserID: "amzn1.ask.account.AF4R", At: start, Kind: identity.Linked, AccountID: "jane@example.com"},
		{SkillID: "amzn1.ask.skill.1", AmazonUserID: "amzn1.ask.account.AF4R", At: start.Add(9 * time.Second), Kind: identity.Disabled},
	} {
		if err := store.AddFact(ctx, fact); err != nil {
			fmt.Println(err)
			return
		}
	}
	table := &transfer.Export{Format: transfer.JSONLines}
	if err := table.Customers(os.Stdout, store.Facts(ctx)); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"ID":"826b094d50ad6d495f9558e7f0ca4078","AmazonUserID":"amzn1.ask.account.AF4R","AccountID":"jane@example.com","StartDatetime":"2026-03-01T00:00:00Z","EndDatetime":"2026-03-01T00:00:09Z","SkillID":"amzn1.ask.skill.1"}
}

// Refresh tokens that a backend has kept until now become grants. Their access
// tokens come when they are first needed.
func ExampleImport_Grants() {
	file := strings.NewReader("AccountID,LinkID,RefreshToken\njane@example.com,1,Atzr|example\n")
	ctx := context.Background()
	store := new(lwa.MemoryStore)
	table := &transfer.Import{ClientID: "amzn1.application-oa2-client.1", Region: alexaevents.Europe}
	if err := table.Grants(ctx, store, file); err != nil {
		fmt.Println(err)
		return
	}
	for grant, err := range store.Grants(ctx) {
		fmt.Println(grant.AccountID, grant.Region, grant.RefreshToken, err)
	}
	if err := new(transfer.Export).Grants(os.Stdout, store.Grants(ctx)); err != nil {
		fmt.Println(err)
	}
	// Output:
	// jane@example.com EU [redacted] <nil>
	// ClientID,AccountID,LinkID,Region,AccessToken,RefreshToken,IssuedAt,Expiry,ConfirmedAt,RefusedAt,DisabledAt,ProbedAt,Refused,CodeHash
	// amzn1.application-oa2-client.1,jane@example.com,1,EU,,Atzr|example,,,,,,,,
}

// The old backend has refreshed a grant since the first import, and has stopped.
func ExampleImport_Grants_cutOver() {
	ctx := context.Background()
	store := new(lwa.MemoryStore)
	table := &transfer.Import{
		ClientID: "amzn1.application-oa2-client.1",
		Region:   alexaevents.Europe,
		Observe: func(_ context.Context, o transfer.GrantObservation) {
			if o.Kept != "" {
				fmt.Printf("row %d is not stored: %s\n", o.Row, o.Kept)
			}
		},
	}
	for _, file := range []string{
		"AccountID,LinkID,RefreshToken\njane@example.com,1,Atzr|first\njohn@example.com,1,Atzr|other\n",
		"AccountID,LinkID,RefreshToken\njane@example.com,1,Atzr|second\njohn@example.com,1,Atzr|other\n",
	} {
		if err := table.Grants(ctx, store, strings.NewReader(file)); err != nil {
			fmt.Println(err)
			return
		}
		table.Newer = true
	}
	for grant, err := range store.Grants(ctx) {
		fmt.Println(grant.AccountID, string(grant.RefreshToken), err)
	}
	// Output:
	// row 2 is not stored: same
	// jane@example.com Atzr|second <nil>
	// john@example.com Atzr|other <nil>
}

// One store moves into another, with all that it knows.
func ExampleFacts() {
	ctx := context.Background()
	oldStore, newStore := new(identity.MemoryStore), new(identity.MemoryStore) // a *sqlstore.Store is one as well
	fact := identity.Fact{SkillID: "amzn1.ask.skill.1", AmazonUserID: "amzn1.ask.account.AF4R", At: time.Now(), Kind: identity.Enabled}
	if err := oldStore.AddFact(ctx, fact); err != nil {
		fmt.Println(err)
		return
	}
	if err := transfer.Facts(ctx, newStore, oldStore.Facts(ctx)); err != nil {
		fmt.Println(err)
		return
	}
	for fact, err := range newStore.Facts(ctx) {
		fmt.Println(fact.AmazonUserID, fact.Kind, err)
	}
	// Output:
	// amzn1.ask.account.AF4R enabled <nil>
}

// Grants move into another store, one that encrypts them, say.
func ExampleGrants() {
	ctx := context.Background()
	oldStore, newStore := new(lwa.MemoryStore), new(lwa.MemoryStore) // or a *lwa.Sealed around it
	key := lwa.Key{ClientID: "amzn1.application-oa2-client.1", AccountID: "jane@example.com"}
	err := oldStore.UpdateGrant(ctx, key, func(grant *lwa.Grant) error {
		grant.RefreshToken = "Atzr|example"
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := transfer.Grants(ctx, newStore, oldStore.Grants(ctx)); err != nil {
		fmt.Println(err)
		return
	}
	grant, err := newStore.Grant(ctx, key)
	fmt.Println(grant.RefreshToken, err)
	// Output:
	// [redacted] <nil>
}
