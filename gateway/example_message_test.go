package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

// A queue of your own keeps messages as JSON and retries them.
func ExampleSender_Attempt() {
	ctx := context.Background()
	cloud := alexatest.NewCloud() // a fake Amazon; a program leaves HTTPClient out
	tokens := &lwa.Source{
		Client: &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "secret", HTTPClient: cloud.Client()},
		Store:  new(lwa.MemoryStore), // a program keeps its grants in a database
	}
	granter := &gateway.Granter{
		Tokens:  tokens,
		Account: func(context.Context, string) (string, error) { return "account-1", nil },
		Region:  alexaevents.Europe,
	}
	code := cloud.Grant(alexaevents.Europe, "customer-1")
	if _, err := granter.AcceptGrant(ctx, alexatest.AcceptGrantDirective(code, "token-1")); err != nil {
		fmt.Println(err)
		return
	}
	sender := &gateway.Sender{Tokens: tokens, HTTPClient: cloud.Client()}

	// Where a lamp changes: one message for each grant.
	type job struct {
		Key     lwa.Key
		Message *gateway.Message
	}
	var queue [][]byte // a program keeps it in a database, or in Amazon SQS
	keys, err := sender.Keys(ctx, "account-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, key := range keys {
		message, err := gateway.NewMessage(&gateway.ChangeReport{
			EndpointID: "lamp-1", Cause: gateway.PhysicalInteraction,
			Properties: []gateway.Property{gateway.PowerState(gateway.On, time.Now())},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		data, err := json.Marshal(job{key, message})
		if err != nil {
			fmt.Println(err)
			return
		}
		queue = append(queue, data)
	}

	// In the worker:
	work := func(data []byte) string {
		var j job
		if err := json.Unmarshal(data, &j); err != nil {
			return "dead letter"
		}
		err := sender.Attempt(ctx, j.Key, j.Message)
		switch {
		case err == nil:
			return j.Message.Type() + " accepted"
		case sender.MayRetry(j.Message, err):
			return "retry later"
		default:
			return "dead letter"
		}
	}
	cloud.Fail(alexatest.Fault{URL: "https://api.eu.amazonalexa.com/", Status: 503})
	fmt.Println(work(queue[0]))
	fmt.Println(work(queue[0]))
	// Output:
	// retry later
	// ChangeReport accepted
}

// Two customers of one household linked the account, and one disabled the skill.
func ExampleSender_Keys() {
	ctx := context.Background()
	cloud := alexatest.NewCloud() // a fake Amazon; a program leaves HTTPClient out
	tokens := &lwa.Source{
		Client: &lwa.Client{ID: "amzn1.application-oa2-client.example", Secret: "secret", HTTPClient: cloud.Client()},
		Store:  new(lwa.MemoryStore), // a program keeps its grants in a database
	}
	for _, customer := range []string{"anna", "ben"} {
		granter := &gateway.Granter{
			Tokens:  tokens,
			Account: func(context.Context, string) (string, error) { return "account-1", nil },
			Link:    func(context.Context, string) (string, error) { return "session of " + customer, nil },
			Region:  alexaevents.Europe,
		}
		code := cloud.Grant(alexaevents.Europe, customer)
		if _, err := granter.AcceptGrant(ctx, alexatest.AcceptGrantDirective(code, "token of "+customer)); err != nil {
			fmt.Println(err)
			return
		}
	}
	sender := &gateway.Sender{Tokens: tokens, HTTPClient: cloud.Client()}
	send := func(power gateway.Switch) error {
		return sender.Send(ctx, "account-1", &gateway.ChangeReport{
			EndpointID: "lamp-1", Cause: gateway.PhysicalInteraction,
			Properties: []gateway.Property{gateway.PowerState(power, time.Now())},
		})
	}
	keys, err := sender.Keys(ctx, "account-1")
	fmt.Println(len(keys), err)

	fmt.Println(send(gateway.On), sender.Flush(ctx)) // Flush waits until the store has the outcome
	cloud.DisableSkill("ben")
	fmt.Println(send(gateway.Off), sender.Flush(ctx))
	keys, err = sender.Keys(ctx, "account-1")
	for _, key := range keys {
		fmt.Println(key.AccountID, key.LinkID, err)
	}
	// Output:
	// 2 <nil>
	// <nil> <nil>
	// <nil> <nil>
	// account-1 session of anna <nil>
}

// Reports that wait together become one, but a door that was opened and closed stays
// two.
func ExampleMessage_Merge() {
	at := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	merge := func(earlier, later gateway.Property) (*gateway.Message, bool) {
		var messages [2]*gateway.Message
		for i, property := range []gateway.Property{earlier, later} {
			var err error
			messages[i], err = gateway.NewMessage(&gateway.ChangeReport{
				EndpointID: "endpoint-1", Cause: gateway.PhysicalInteraction, Properties: []gateway.Property{property},
			})
			if err != nil {
				fmt.Println(err)
				return nil, false
			}
		}
		return messages[0].Merge(messages[1], true)
	}
	report, ok := merge(gateway.Brightness(80, at), gateway.Brightness(30, at.Add(time.Second)))
	fmt.Println(report.Type(), ok)
	_, ok = merge(gateway.PowerState(gateway.On, at), gateway.Brightness(30, at.Add(time.Second)))
	fmt.Println(ok)
	_, ok = merge(gateway.ContactDetectionState(gateway.Detected, at), gateway.ContactDetectionState(gateway.NotDetected, at.Add(time.Second)))
	fmt.Println(ok)
	// Output:
	// ChangeReport true
	// true
	// false
}
