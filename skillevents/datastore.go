package skillevents

import "encoding/json"

// PackageUsagesInstalled says where on a device a DataStore package, such as a
// widget, is used now (Alexa.DataStore.PackageManager.UsagesInstalled).
type PackageUsagesInstalled struct {
	Envelope `json:"-"`

	PackageID      string         `json:"packageId"`
	PackageVersion string         `json:"packageVersion"`
	Usages         []PackageUsage `json:"usages"`
}

// PackageUsagesRemoved says where on a device a DataStore package is no longer
// used (Alexa.DataStore.PackageManager.UsagesRemoved).
type PackageUsagesRemoved struct {
	Envelope `json:"-"`

	PackageID      string         `json:"packageId"`
	PackageVersion string         `json:"packageVersion"`
	Usages         []PackageUsage `json:"usages"`
}

// PackageUsage is a place on a device where a DataStore package is used.
type PackageUsage struct {
	Location   string `json:"location"`   // "FAVORITE" is the only one known
	InstanceID string `json:"instanceId"` // optional
}

// PackageUpdateRequest says that a device wants another version of a DataStore
// package (Alexa.DataStore.PackageManager.UpdateRequest).
type PackageUpdateRequest struct {
	Envelope `json:"-"`

	PackageID   string `json:"packageId"`
	FromVersion string `json:"fromVersion"` // the version on the device
	ToVersion   string `json:"toVersion"`   // the latest version
}

// PackageInstallationError says that a device could not install or update a
// DataStore package (Alexa.DataStore.PackageManager.InstallationError).
type PackageInstallationError struct {
	Envelope `json:"-"`

	PackageID      string         `json:"packageId"`
	PackageVersion string         `json:"version"` // request.version: what the device tried to install
	Error          DataStoreFault `json:"error"`
}

// DataStoreError says that commands did not reach a device's DataStore, or
// failed there (Alexa.DataStore.Error).
type DataStoreError struct {
	Envelope `json:"-"`

	Error DataStoreFault `json:"error"`
}

// DataStoreFault is what went wrong with a package or a command.
type DataStoreFault struct {
	// Type is INTERNAL_ERROR for a package; for commands DEVICE_UNAVAILABLE,
	// DEVICE_PERMANENTLY_UNAVAILABLE (stop sending to the device),
	// DATASTORE_INTERNAL_ERROR or STORAGE_LIMIT_EXCEEDED.
	Type string `json:"type"`
	// Content depends on Type. For commands it names the device and the commands.
	// Nil if absent.
	Content json.RawMessage `json:"content"`
}
