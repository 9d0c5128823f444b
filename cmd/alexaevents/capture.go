package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// capture is a request as somebody recorded it.
type capture struct {
	header http.Header
	body   []byte
}

// readCapture reads a request: headers, an empty line and the body, with or without a
// request line; a HAR file, of which the first signed request counts; or the event of
// API Gateway or a Lambda function URL.
func readCapture(file []byte) (capture, error) {
	if bytes.HasPrefix(bytes.TrimSpace(file), []byte("{")) {
		return readJSONCapture(file)
	}
	c := capture{header: make(http.Header)}
	for first := true; ; first = false {
		line, rest, found := bytes.Cut(file, []byte("\n"))
		file = rest
		text := strings.TrimSuffix(string(line), "\r")
		if text == "" && !first {
			c.body = file
			return c, nil
		}
		name, value, isHeader := strings.Cut(text, ":")
		switch {
		case isHeader && !strings.ContainsAny(name, " \t"):
			c.header.Add(name, strings.TrimSpace(value))
		case !first:
			return capture{}, errors.New("not a header: " + text)
		}
		if !found {
			return capture{}, errors.New("no empty line between headers and body")
		}
	}
}

func readJSONCapture(file []byte) (capture, error) {
	var recorded struct {
		Log *struct {
			Entries []struct {
				Request struct {
					Headers  []struct{ Name, Value string }
					PostData struct{ Text string }
				}
			}
		}
		Headers         map[string]string
		Body            *string
		IsBase64Encoded bool
	}
	if err := json.Unmarshal(file, &recorded); err != nil {
		return capture{}, err
	}
	if recorded.Log != nil {
		for _, entry := range recorded.Log.Entries {
			c := capture{header: make(http.Header), body: []byte(entry.Request.PostData.Text)}
			for _, header := range entry.Request.Headers {
				c.header.Add(header.Name, header.Value)
			}
			if c.header.Get("SignatureCertChainUrl") != "" {
				return c, nil
			}
		}
		return capture{}, errors.New("the HAR file has no request with the header SignatureCertChainUrl")
	}
	if recorded.Body == nil || recorded.Headers == nil {
		return capture{}, errors.New("the JSON is neither a HAR file nor an event with headers and body; a body alone cannot be verified")
	}
	c := capture{header: make(http.Header), body: []byte(*recorded.Body)}
	for name, value := range recorded.Headers {
		c.header.Add(name, value)
	}
	if recorded.IsBase64Encoded {
		var err error
		if c.body, err = base64.StdEncoding.DecodeString(*recorded.Body); err != nil {
			return capture{}, err
		}
	}
	return c, nil
}
