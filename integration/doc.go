// Package integration tests the packages of the module against real databases,
// whose drivers the module itself does not require.
package integration
