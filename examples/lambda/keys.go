package main

import (
	"context"
	"sync"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

// fetchTime is shorter than the 5 seconds that a Recorder has for an account.
const fetchTime = 3 * time.Second

// keys are the public keys of an authorization server. The first token fetches them,
// so that a cold start without a token does not wait. The next token retries a failed
// fetch.
type keys struct {
	url string

	mu      sync.Mutex
	fetched keyfunc.Keyfunc // nil before the first fetch that succeeded
}

// key returns the key of a token. It is a jwt.Keyfunc.
func (k *keys) key(token *jwt.Token) (any, error) {
	fetched, err := k.fetch()
	if err != nil {
		return nil, err
	}
	return fetched.Keyfunc(token)
}

func (k *keys) fetch() (keyfunc.Keyfunc, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fetched != nil {
		return k.fetched, nil
	}
	// They are fetched again every hour, and for a token of an unknown key, by a
	// goroutine that must not outlive a failure.
	ctx, cancel := context.WithCancel(context.Background())
	defer func() {
		if k.fetched == nil {
			cancel()
		}
	}()
	fetched, err := keyfunc.NewDefaultOverrideCtx(ctx, []string{k.url}, keyfunc.Override{
		HTTPTimeout:               fetchTime,
		RateLimitWaitMax:          fetchTime,
		NoErrorReturnFirstHTTPReq: new(false),
	})
	if err == nil {
		k.fetched = fetched
	}
	return fetched, err
}
