package integration

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

var (
	chaosSpan   = flag.Duration("chaos", 10*time.Second, "how long TestChaos sends")
	chaosGrants = flag.Int("chaos-grants", 300, "how many grants there are in TestChaos")
)

// Two processes send events to many accounts, while
//
//   - the store is away for 5 seconds at a time;
//   - LWA is away for 30 seconds and throttles for as long, takes each refresh token
//     once, and ends access tokens before their time;
//   - connections to the gateway are swallowed;
//   - one of the processes is killed and started again; the other must lose nothing.
//
// In a run below two minutes the outages are shorter. Requirements:
//
//   - No customer who did not disable the skill must relink, except those whose new
//     refresh token was lost with a killed process.
//   - If Send returned nil, each customer of the account got the event.
//   - A customer got an event more than once only where the response was dropped.
//   - At the end every grant is usable.
func TestChaos(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		c := startChaos(t, create(t))
		c.run(t)
		c.judge(t)
	})
}

type chaos struct {
	*badAmazon
	database database // as the processes see it
	store    *sqlstore.Store
	outage   func(time.Duration) error // of the store
	sender   chaosSender
}

func startChaos(t *testing.T, d database) *chaos {
	c := &chaos{
		badAmazon: &badAmazon{cloud: alexatest.NewCloud(), ledger: newChaosLedger()},
		database:  d,
	}
	db := d.open(t)
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	c.store = d.storeOn(t, db)
	c.cloud.RotateRefreshTokens(true)
	if d.Dialect == sqlstore.Postgres {
		var way *badPostgres
		way, c.database = serveBadPostgres(t, d)
		c.outage = way.interrupt
	} else {
		c.outage = func(span time.Duration) error {
			tx, err := db.Begin() // which takes the writers' lock
			if err == nil {
				time.Sleep(span)
				err = tx.Rollback()
			}
			return err
		}
	}
	login := &lwa.Client{ID: chaosClient, Secret: chaosSecret, HTTPClient: c.cloud.Client()}
	var group errgroup.Group
	group.SetLimit(64)
	accounts := 0
	for grants := 0; grants < *chaosGrants; accounts++ {
		for _, link := range chaosLinks(accounts) {
			account := accounts
			group.Go(func() error { return c.grant(t.Context(), login, account, link) })
			grants++
		}
	}
	require.NoError(t, group.Wait())

	hosts, certificate := c.serve(t)
	c.sender = chaosSender{Database: c.database, Hosts: hosts, Certificate: certificate, Accounts: accounts}
	return c
}

// grant stores a grant of a customer. Its first access token expires within one
// lifetime.
func (c *chaos) grant(ctx context.Context, login *lwa.Client, account int, link string) error {
	customer := chaosCustomer(account, link)
	token, err := login.Exchange(ctx, alexaevents.Secret(c.cloud.Grant(alexaevents.Europe, customer)))
	if err != nil {
		return err
	}
	c.ledger.granted(customer, string(token.RefreshToken))
	return c.store.UpdateGrant(ctx, chaosKey(account, link), func(g *lwa.Grant) error {
		g.Region, g.AccessToken, g.RefreshToken = alexaevents.Europe, token.AccessToken, token.RefreshToken
		g.IssuedAt, g.ConfirmedAt = time.Now(), time.Now() // so that the region is proved
		g.Expiry = g.IssuedAt.Add(rand.N(tokenLife))
		return nil
	})
}

// run runs the processes and the failures for the span.
func (c *chaos) run(t *testing.T) {
	c.ledger.begun = time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), *chaosSpan)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	for i, http2 := range []bool{true, false} {
		sender := c.sender
		sender.HTTP2 = http2
		group.Go(func() error { return c.keepSending(ctx, t, sender, i == 0) })
	}
	group.Go(func() error { return c.failStore(ctx) })
	group.Go(func() error { c.failLogin(ctx); return nil })
	group.Go(func() error {
		for n := int32(0); pause(ctx, *chaosSpan/40); n++ {
			c.swallow.Store(swallowRequest + n%2)
		}
		return nil
	})
	group.Go(func() error {
		for pause(ctx, *chaosSpan/6) {
			c.cloud.ExpireTokens()
		}
		return nil
	})
	group.Go(func() error {
		for pause(ctx, *chaosSpan/20) {
			account := rand.IntN(c.sender.Accounts)
			if rand.IntN(2) == 0 {
				account %= chaosHot
			}
			customer := chaosCustomer(account, chaosLinks(account)[0])
			c.ledger.disable(customer)
			c.cloud.DisableSkill(customer)
		}
		return nil
	})
	require.NoError(t, group.Wait())
}

// pause waits, and reports whether there is time left.
func pause(ctx context.Context, span time.Duration) bool {
	select {
	case <-time.After(span):
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *chaos) failStore(ctx context.Context) error {
	for pause(ctx, *chaosSpan/5) {
		begun := time.Now()
		if err := c.outage(min(5*time.Second, *chaosSpan/10)); err != nil {
			return err
		}
		c.ledger.outage(begun)
	}
	return nil
}

func (c *chaos) failLogin(ctx context.Context) {
	defer c.login.Store(loginWorks)
	each := func(mode int32, span time.Duration) {
		c.login.Store(mode)
		pause(ctx, span)
	}
	each(loginWorks, *chaosSpan/4)
	for _, mode := range []int32{loginFails, loginHangs, loginResets} {
		each(mode, min(10*time.Second, *chaosSpan/12))
	}
	each(loginWorks, *chaosSpan/8)
	each(loginThrottles, min(30*time.Second, *chaosSpan/4))
}

// keepSending runs one process after the other, and kills all but the last. With
// spared, it runs only one.
func (c *chaos) keepSending(ctx context.Context, t *testing.T, sender chaosSender, spared bool) error {
	for number := 0; ; number++ {
		sender.Name = fmt.Sprintf("killed-%d", number)
		if spared {
			sender.Name = "spared"
		}
		p, err := startProcess(childProcess{Chaos: &sender}.command(t)) //nolint:contextcheck // it outlives ctx, to store everything
		if err != nil {
			return err
		}
		flushed := make(chan bool, 1)
		go func() { flushed <- c.readReports(p.output) }()
		life := *chaosSpan/16 + rand.N(*chaosSpan/8)
		if spared {
			life = *chaosSpan
		}
		kill := pause(ctx, life) && !spared
		if kill {
			_ = p.command.Process.Kill()
			c.ledger.kill(sender.Name)
		} else {
			_ = p.input.Close()
		}
		complete := <-flushed
		err = p.command.Wait()
		if !kill {
			if err != nil || !complete {
				return fmt.Errorf("process %s ended with %w: %s", sender.Name, err, &p.log)
			}
			return nil
		}
		if p.command.ProcessState.ExitCode() != -1 {
			return fmt.Errorf("process %s ended by itself: %s", sender.Name, &p.log)
		}
	}
}

// readReports reports whether the process has stored everything.
func (c *chaos) readReports(output io.Reader) (flushed bool) {
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		var report chaosReport
		if json.Unmarshal(lines.Bytes(), &report) != nil {
			continue // the last line of a process that was killed
		}
		c.ledger.report(report)
		flushed = flushed || report.Flushed
	}
	return flushed
}

// judge checks the run.
func (c *chaos) judge(t *testing.T) {
	stored := make(map[string]lwa.Grant)
	for grant, err := range c.store.Grants(t.Context()) {
		require.NoError(t, err)
		stored[grant.AccountID+"/"+grant.LinkID] = grant
	}
	v := c.ledger.judge(stored, c.cloud.Sent())
	l := c.ledger
	t.Logf("events: %v; accepted requests: %d; duplicates, of dropped responses: %d; accepted by second: %v",
		l.outcomes, len(c.cloud.Sent()), v.duplicates, l.accepted)
	t.Logf("refreshes: %d, and %d that LWA failed; store outages: %d; swallowed connections: %d; kills: %d",
		len(l.used), c.failures.Load(), len(l.outages), c.swallowed.Load(), len(l.killed))
	t.Logf("grants: %d usable, %d disabled by their customers, %d lost with a killed process (%d of them in an outage of the store; it had %s at most to store one), %d given by LWA too late",
		v.usable, v.disabled, v.killed, v.stranded, v.oldest.Round(time.Millisecond), v.unread)
	t.Logf("customers who must relink without having ended their grant, nil but lost, and other faults: %d", len(v.faults))
	require.Empty(t, v.faults[:min(20, len(v.faults))])
	require.NotZero(t, l.outcomes[sentAccepted])
	require.NotZero(t, c.failures.Load())
	require.NotEmpty(t, l.outages)
	require.NotZero(t, c.swallowed.Load())
	require.NotEmpty(t, l.killed)
	c.sendToSome(t, stored)
}

// sendToSome sends an event to a few accounts after the failures, among them the
// busiest: every grant that the ledger calls usable must be usable.
func (c *chaos) sendToSome(t *testing.T, stored map[string]lwa.Grant) {
	client := c.cloud.Client()
	sender := &gateway.Sender{
		Tokens:     &lwa.Source{Client: &lwa.Client{ID: chaosClient, Secret: chaosSecret, HTTPClient: client}, Store: c.store},
		HTTPClient: client,
	}
	c.cloud.ExpireTokens()
	for account := range min(2*chaosHot, c.sender.Accounts) {
		usable := 0
		for _, link := range chaosLinks(account) {
			customer := chaosCustomer(account, link)
			if string(stored[customer].RefreshToken) == c.ledger.valid[customer] && !c.ledger.disabled[customer] {
				usable++
			}
		}
		if usable == len(chaosLinks(account)) {
			require.NoError(t, sender.Send(t.Context(), chaosAccount(account), chaosEvent("at-last")), "account %d", account)
		}
	}
	require.NoError(t, sender.Flush(t.Context()))
}
