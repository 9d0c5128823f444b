package lwa_test

import (
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
