package alexatest

import (
	"crypto/rsa"
	"sync"
	"sync/atomic"
	"testing"
)

// CountKeys gives new keys to the clouds that a test creates, and counts those that are
// generated.
func CountKeys(tb testing.TB) *atomic.Int32 {
	count := new(atomic.Int32)
	for _, keys := range []*[]*lazyKey{&leafKeys, &authorityKeys, &strangerKeys} {
		before := *keys
		tb.Cleanup(func() { *keys = before })
		*keys = lazyKeys(len(before))
		for _, key := range *keys {
			generate := key.private
			key.private = sync.OnceValue(func() *rsa.PrivateKey {
				count.Add(1)
				return generate()
			})
		}
	}
	return count
}
