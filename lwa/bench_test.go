package lwa_test

import (
	"strconv"
	"testing"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

// A token that needs no refresh, which is nearly every call.
func BenchmarkSourceToken(b *testing.B) {
	for name, store := range map[string]lwa.Store{
		"memory": new(lwa.MemoryStore),
		"sealed": &lwa.Sealed{Store: new(lwa.MemoryStore), AEAD: newGCM(b, sealingKey)},
	} {
		b.Run(name, func(b *testing.B) {
			source, key := imported(b, new(amazon), store, "customer")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := source.Token(b.Context(), key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSourceRenew(b *testing.B) {
	source, key := imported(b, &amazon{rotates: true}, new(lwa.MemoryStore), "customer")
	stale := alexaevents.Secret("")
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if stale, err = source.Renew(b.Context(), key, stale); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMemoryStoreUpdateGrant(b *testing.B) {
	store := new(lwa.MemoryStore)
	accounts := make([]string, 100_000)
	for i := range accounts {
		accounts[i] = strconv.Itoa(i)
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		err := store.UpdateGrant(b.Context(), keyOf(accounts[i%len(accounts)]), func(g *lwa.Grant) error {
			g.RefreshToken = "Atzr|refresh"
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		i++
	}
}
