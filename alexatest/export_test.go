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
	counted := func(n int) []*lazyKey {
		keys := lazyKeys(n)
		for _, key := range keys {
			generate := key.private
			key.private = sync.OnceValue(func() *rsa.PrivateKey {
				count.Add(1)
				return generate()
			})
		}
		return keys
	}
	leaf, common, strange := leafKeys, commonAuthority, strangeAuthority
	tb.Cleanup(func() { leafKeys, commonAuthority, strangeAuthority = leaf, common, strange })
	leafKeys, commonAuthority, strangeAuthority = counted(2), newAuthority(counted(4)), newAuthority(counted(4))
	return count
}
