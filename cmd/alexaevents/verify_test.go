package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVerify(t *testing.T) {
	url, _, _ := startCloud(t)
	body := strings.TrimSpace(run(t, url, "print", "SkillEnabled").out)
	response, err := http.Post(url+"/_cloud/sign", "application/json", strings.NewReader(body))
	require.NoError(t, err)
	headers := make(map[string]string)
	require.NoError(t, json.NewDecoder(response.Body).Decode(&headers))
	raw := "POST /alexa/events HTTP/1.1\r\n"
	list := []map[string]string{}
	for name, value := range headers {
		raw += strings.ToLower(name) + ": " + value + "\r\n"
		list = append(list, map[string]string{"name": name, "value": value})
	}
	encode := func(v any) string {
		data, err := json.Marshal(v)
		require.NoError(t, err)
		return string(data)
	}
	request := func(headers any, body string) object {
		return object{"request": object{"headers": headers, "postData": object{"text": body}}}
	}
	for name, file := range map[string]string{
		"raw":    raw + "\r\n" + body,
		"HAR":    encode(object{"log": object{"entries": []object{request([]string(nil), ""), request(list, body)}}}),
		"event":  encode(object{"headers": headers, "body": body}),
		"base64": encode(object{"headers": headers, "body": base64.StdEncoding.EncodeToString([]byte(body)), "isBase64Encoded": true}),
	} {
		got := runInput(t, url, file, "verify", "--fake", "-")
		require.Zero(t, got.code, name+got.out+got.errors)
		require.Equal(t, 8, strings.Count(got.out, "pass"), name)
	}
	for name, test := range map[string]struct {
		file string
		args []string
		want string // what the output contains
		fail int
	}{
		"changed":   {raw + "\r\n" + body + " ", nil, "fail     signature: ", 1},
		"line":      {raw + "\r\n" + body + "\n", nil, "matches the body without its last line break", 1},
		"old":       {raw + "\r\n" + body, []string{"--at", "2090-01-01T00:00:00Z"}, "fail     time: ", 1},
		"skill":     {raw + "\r\n" + body, []string{"--skill", "amzn1.ask.skill.other"}, "fail     skill: ", 1},
		"both":      {raw + "\r\n" + body + " ", []string{"--skill", "amzn1.ask.skill.other", "--at", "2090-01-01T00:00:00Z"}, "fail     signature: ", 3},
		"no header": {"\nA: b\n\n" + body, nil, "fail     headers: ", 1},
		"not JSON":  {raw + "\r\nhello", nil, "fail     body: ", 1},
		"URL":       {strings.Replace(raw, "s3.amazonaws.com", "s3.example.com", 1) + "\r\n" + body, nil, "fail     certificate URL: ", 1},
		"404":       {strings.Replace(raw, "echo-api-cert-", "echo-api-cert-9", 1) + "\r\n" + body, nil, "fail     certificate: ", 1},
	} {
		got := runInput(t, url, test.file, append([]string{"verify", "--fake", "-"}, test.args...)...)
		require.Equal(t, exitFailed, got.code, name)
		require.Contains(t, got.out, test.want, name)
		require.Equal(t, test.fail, strings.Count(got.out, "fail "), name+got.out)
	}
	for _, file := range []string{"", "{}", "[1]", "not a header\n\n", "A: b", `{"log":{"entries":[]}}`, `{"headers":{},"body":"?","isBase64Encoded":true}`} {
		got := runInput(t, url, file, "verify", "--fake", "-", "--json")
		require.Equal(t, exitFailed, got.code, file)
		require.Contains(t, got.errors, `{"error":{"exit":1,`)
	}
	require.Zero(t, run(t, url, "cloud", "fault", "https://s3.amazonaws.com/", "--status", "503", "--times", "-1").code)
	require.Contains(t, runInput(t, url, raw+"\r\n"+body, "verify", "--fake", "-").out, "fail     certificate fetched: ")
	require.Equal(t, exitUsage, runInput(t, url, raw+"\r\n"+body, "verify", "--at", "noon", "-").code)
	require.Equal(t, exitUnreachable, runInput(t, "http://127.0.0.1:1", raw+"\r\n"+body, "verify", "--fake", "-").code)
}
