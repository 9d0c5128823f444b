package cloud

import _ "embed"

// Preload is a file for the option --require of Node.js: it makes Node.js trust the
// cloud and use it as proxy.
//
//go:embed preload.cjs
var Preload []byte
