package cloud

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestState(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	r := start(t, Config{State: file})
	r.call(t, "POST", "/_cloud/customers/anna/link", nil, nil)
	var grant Grant
	r.call(t, "POST", "/_cloud/customers/anna/grant", nil, &grant)
	var customers []Customer
	r.call(t, "GET", "/_cloud/customers", nil, &customers)
	r.stop()
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())

	again := start(t, Config{State: file})
	require.Equal(t, r.amazon.RootPEM(), again.amazon.RootPEM())
	var restored []Customer
	again.call(t, "GET", "/_cloud/customers", nil, &restored)
	require.Equal(t, customers, restored)
	form := url.Values{"grant_type": {"authorization_code"}, "code": {grant.Code}, "client_id": {"c"}, "client_secret": {"s"}}
	response, err := again.proxied(t).PostForm("https://api.amazon.com/auth/o2/token", form)
	require.NoError(t, err)
	require.Equal(t, 200, response.StatusCode)

	var snapshot []byte
	require.Equal(t, 200, again.call(t, "GET", "/_cloud/snapshot", nil, &snapshot))
	again.call(t, "POST", "/_cloud/reset", nil, nil)
	require.Equal(t, 204, again.call(t, "PUT", "/_cloud/snapshot", snapshot, nil))
	again.call(t, "GET", "/_cloud/customers", nil, &restored)
	require.Equal(t, customers, restored)
	var wrong ErrorBody
	for _, broken := range []string{"", "{}", `{"customers":{"anna":{}}}`} {
		require.Equal(t, 400, again.call(t, "PUT", "/_cloud/snapshot", []byte(broken), &wrong), broken)
	}
	require.NoError(t, os.WriteFile(file, []byte("{"), 0o600))
	_, err = NewServer(Config{State: file})
	require.ErrorContains(t, err, "state.json")
}

func TestRestoreUnknownRegion(t *testing.T) {
	s, err := NewServer(Config{})
	require.NoError(t, err)
	_, err = s.build("anna", Event{Name: "SkillEnabled"})
	require.NoError(t, err)
	saved, err := s.snapshot()
	require.NoError(t, err)
	wrong := strings.Replace(string(saved), `"region":"NA"`, `"region":"XX"`, 1)
	require.NotEqual(t, string(saved), wrong)
	require.ErrorContains(t, s.restore([]byte(wrong)), "unknown region")
}

// What makes no entry in the journal is saved too, before the program ends.
func TestStateOfGrants(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	r := start(t, Config{State: file})
	saved := func(text string) func() bool {
		return func() bool {
			data, err := os.ReadFile(file)
			return err == nil && strings.Contains(string(data), text)
		}
	}
	require.Eventually(t, saved("{"), time.Minute, 20*time.Millisecond)
	r.call(t, "POST", "/_cloud/customers/kept/grant", nil, nil)
	require.Eventually(t, saved(`"kept"`), time.Minute, 20*time.Millisecond)
}

func TestMoreThanOneValue(t *testing.T) {
	r := start(t, Config{})
	var wrong ErrorBody
	require.Equal(t, 400, r.call(t, "POST", "/_cloud/age", []byte(`{"by":"1s"} trailing`), &wrong))
}
