package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/skillevents"
)

func TestCustomerAndSend(t *testing.T) {
	url, backend, received := startCloud(t)
	require.Equal(t, outcome{}, run(t, url, "cloud", "reset"))
	got := run(t, url, "customer", "anna", "link")
	require.Zero(t, got.code, got.errors)
	require.Regexp(t, `^AlexaSkillEvent.SkillAccountLinked: status 200 in \d+ ms\n$`, got.out)
	require.IsType(t, (*skillevents.SkillAccountLinked)(nil), <-received)
	require.Equal(t, "anna NA enabled linked\n", run(t, url, "customer").out)

	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("from-a-file\n"), 0o600))
	require.Zero(t, run(t, url, "customer", "emma", "link", "--token", "@"+token, "--region", "EU").code)
	require.Equal(t, "from-a-file", string((<-received).(*skillevents.SkillAccountLinked).AccessToken))
	require.Contains(t, run(t, url, "customer", "emma", "grant").out, "AcceptGrant")
	require.Equal(t, "emma EU code not exchanged\n", run(t, url, "cloud", "grants").out)
	require.Zero(t, run(t, url, "customer", "emma", "disable").code)
	<-received
	require.Equal(t, "emma EU revoked\n", run(t, url, "cloud", "grants").out)

	got = run(t, url, "send", "SkillEnabled", "SkillDisabled", "--repeat", "2", "--shuffle", "--late", "30m", "--json")
	require.Zero(t, got.code, got.errors)
	require.Len(t, strings.Split(strings.TrimSpace(got.out), "\n"), 4)
	for range 4 {
		<-received
	}
	got = run(t, url, "send", "SkillEnabled", "--tamper")
	require.Equal(t, exitRefused, got.code)
	require.Contains(t, got.errors, "status 400")
	got = run(t, url, "send", "SkillEnabled", "--late", "61m")
	require.Equal(t, exitRefused, got.code)
	got = run(t, url, "send", "SkillEnabled", "--to", "http://127.0.0.1:1/", "--json")
	require.Equal(t, exitUnreachable, got.code)
	require.Contains(t, got.errors, `{"error":{"exit":3,`)
	require.Equal(t, exitUsage, run(t, url, "customer", "anna", "dance").code)
	require.Empty(t, received)

	sent := run(t, url, "send", "SkillEnabled", "--json")
	<-received
	var entry struct{ ID int }
	require.NoError(t, json.Unmarshal([]byte(sent.out), &entry))
	got = run(t, url, "cloud", "again", strconv.Itoa(entry.ID))
	require.Zero(t, got.code, got.errors)
	require.Regexp(t, `^SkillEnabled: status 200 in \d+ ms\n$`, got.out)
	require.IsType(t, (*skillevents.SkillEnabled)(nil), <-received)
	require.Equal(t, exitUsage, run(t, url, "cloud", "again", "0").code)

	editor := filepath.Join(t.TempDir(), "editor")
	require.NoError(t, os.WriteFile(editor, []byte("#!/bin/sh\nsed -i s/SkillEnabled/SkillDisabled/ \"$1\"\n"), 0o700))
	t.Setenv("EDITOR", editor)
	require.Zero(t, run(t, url, "send", "SkillEnabled", "--edit").code)
	require.IsType(t, (*skillevents.SkillDisabled)(nil), <-received)

	got = run(t, url, "cloud", "journal", "--kind", "event", "--customer", "anna", "--status", "200", "--json")
	require.Contains(t, got.out, `"url":"`+backend)
	got = run(t, url, "cloud", "journal", "--kind", "event", "--wait", "99", "--timeout", "1ms")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errors, "of 99 entries within 1ms")
	require.NotEmpty(t, got.out)
}

func TestForge(t *testing.T) {
	url, _, received := startCloud(t)
	got := run(t, url, "forge", "--strict")
	require.Zero(t, got.code, got.out+got.errors)
	require.Equal(t, 21, strings.Count(got.out, "ok  "))
	<-received
	careless := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer careless.Close()
	got = run(t, url, "forge", "--to", careless.URL)
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, 3, strings.Count(got.out, "warn"))
	require.Contains(t, got.errors, "17 of 21")
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Signature-256") == "" {
			w.WriteHeader(http.StatusInternalServerError)
		} else {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer broken.Close()
	require.Equal(t, 2, strings.Count(run(t, url, "forge", "--to", broken.URL).out, "warn  500"))
	require.Equal(t, 2, strings.Count(run(t, url, "forge", "--to", broken.URL, "--strict").out, "FAIL  500"))
	require.Equal(t, exitUnreachable, run(t, url, "forge", "--to", "http://127.0.0.1:1").code)
}

func TestPrint(t *testing.T) {
	got := run(t, "", "print", "SkillAccountLinked", "--skill", "amzn1.ask.skill.1", "--token", "t")
	require.Zero(t, got.code)
	event, err := skillevents.Parse([]byte(got.out))
	require.NoError(t, err)
	require.Equal(t, "t", string(event.(*skillevents.SkillAccountLinked).AccessToken))
	require.Contains(t, run(t, "", "print", "Alexa.PowerController.TurnOn", "--endpoint", "lamp-1").out, `"endpointId":"lamp-1"`)
}
