//go:build !database

package main

import "io"

// openDatabase fails: the drivers are 12 modules and 8 MB, which a developer who only
// simulates Amazon does not need.
func openDatabase(string, string, bool) (grantStore, io.Closer, error) {
	return nil, nil, &exitError{exitFailed, "this program was built without the drivers of databases", "in a clone of the repository: go install -tags database ./cmd/alexaevents"}
}
