package sns_test

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/sns"
)

// Where a program may not use SHA-1 at all, a signature of version 1 is an
// error, and not the panic that the hash would be. Where the FIPS 140 mode allows
// SHA-1, it is accepted.
func TestFIPS140(t *testing.T) {
	if !fips140.Enabled() {
		for _, mode := range []string{"on", "only"} {
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFIPS140$", "-test.v")
			child.Env = append(os.Environ(), "GODEBUG=fips140="+mode)
			output, err := child.CombinedOutput()
			require.NoError(t, err, "%s", output)
			require.Contains(t, string(output), "--- PASS: TestFIPS140")
		}
		return
	}
	b := newBench()
	require.NoError(t, b.verify(notification()))
	old := notification().with("SignatureVersion", "1")
	if !fips140.Enforced() {
		require.NoError(t, b.verify(old))
		return
	}
	_, err := b.Verify(t.Context(), old.with("Signature", sign(keys[0](), "2", old.text())).json())
	require.ErrorIs(t, err, sns.ErrVersion)
	require.ErrorContains(t, err, "FIPS 140")
}
