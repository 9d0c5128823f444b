package alexaevents_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
)

func TestSecretDoesNotPrint(t *testing.T) {
	const text = "Atza|canary"
	secret := alexaevents.Secret(text)
	inside := struct {
		Token   alexaevents.Secret
		Pointer *alexaevents.Secret
		List    []alexaevents.Secret
		Map     map[string]alexaevents.Secret
	}{secret, &secret, []alexaevents.Secret{secret}, map[string]alexaevents.Secret{"k": secret}}

	for _, value := range []any{secret, &secret, inside, &inside} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10s", "%-.3s"} {
			printed := fmt.Sprintf(verb, value)
			require.NotContains(t, printed, "canary", verb)
			require.NotContains(t, printed, fmt.Sprintf("%x", "canary"), verb)
		}
		encoded, err := json.Marshal(value)
		require.NoError(t, err)
		require.NotContains(t, string(encoded), "canary")

		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("text", "value", value)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("JSON", "value", value)
		require.NotContains(t, log.String(), "canary")
	}
	require.Equal(t, text, string(secret), "a conversion is the way to it")
	require.Empty(t, alexaevents.Secret("").String(), "an absent secret shows as absent")
}

func ExampleSecret() {
	token := alexaevents.Secret("Atza|example")
	fmt.Println(token)
	fmt.Println(len(string(token)), "bytes")
	// Output:
	// [redacted]
	// 12 bytes
}

func ExampleRegion_APIEndpoint() {
	for _, region := range []alexaevents.Region{alexaevents.NorthAmerica, alexaevents.Europe, alexaevents.FarEast} {
		fmt.Println(region, region.APIEndpoint())
	}
	// Output:
	// NA https://api.amazonalexa.com
	// EU https://api.eu.amazonalexa.com
	// FE https://api.fe.amazonalexa.com
}
