package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/cloud"
)

// direct uses no proxy: the cloud itself may be the proxy.
var direct = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// call makes a request to the control API of the cloud. It decodes the response into
// out unless that is nil. A []byte in is the body itself.
func (a *app) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	switch in := in.(type) {
	case nil:
	case []byte:
		body = bytes.NewReader(in)
	default:
		data, err := json.Marshal(in)
		if err != nil {
			return failed(err)
		}
		body = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(a.cloud, "/")+path, body)
	if err != nil {
		return usage("--cloud: %s", err)
	}
	response, err := direct.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return &exitError{code: exitInterrupted, message: "interrupted"}
		}
		return a.noCloud(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return a.noCloud(err)
	}
	if response.StatusCode >= 400 {
		var refused cloud.ErrorBody
		if json.Unmarshal(data, &refused) != nil || refused.Error.Message == "" {
			return &exitError{exitUnreachable, fmt.Sprintf("%s is not a cloud: status %s", a.cloud, response.Status), "start one: alexaevents cloud"}
		}
		if response.StatusCode == http.StatusRequestTimeout && out != nil {
			if list, ok := out.(*[]cloud.Entry); ok {
				*list = append([]cloud.Entry{}, refused.Found...) // not nil
			}
			return &exitError{exitFailed, refused.Error.Message, ""}
		}
		code := exitFailed
		if response.StatusCode == http.StatusBadRequest {
			code = exitUsage
		}
		return &exitError{code, refused.Error.Message, ""}
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = data
		return nil
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return failed(errors.New("not the response of a cloud: " + err.Error()))
	}
	return nil
}

func (a *app) noCloud(err error) error {
	return &exitError{exitUnreachable, err.Error(), "start a cloud: alexaevents cloud"}
}

// printEntry prints the outcome of a request to the backend. A response that is not
// 2xx is an error.
func (a *app) printEntry(e cloud.Entry) error {
	outcome := fmt.Sprintf("%s: status %d in %d ms", e.Name, e.Status, e.Millis)
	if e.Error != "" {
		outcome = fmt.Sprintf("%s: no response: %s", e.Name, e.Error)
	}
	if err := a.print(e, outcome); err != nil {
		return err
	}
	switch {
	case e.Error != "":
		return &exitError{exitUnreachable, "no response from " + e.URL, e.Hint()}
	case e.Status/100 != 2:
		return &exitError{exitRefused, fmt.Sprintf("the backend responded with status %d", e.Status), e.Hint()}
	}
	return nil
}
