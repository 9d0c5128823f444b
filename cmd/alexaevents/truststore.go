package main

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the format's own checksum
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"unicode/utf16"
)

// trustStorePassword is no secret: it is Java's default, and the store has no keys.
const trustStorePassword = "changeit"

// trustStore returns the certificates of a PEM file as a Java keystore in the format
// JKS, which has trusted certificates without encryption.
func trustStore(file []byte) ([]byte, error) {
	var certificates [][]byte
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			certificates = append(certificates, block.Bytes)
		}
	}
	if len(certificates) == 0 {
		return nil, errors.New("the cloud sent no certificates")
	}
	var store bytes.Buffer
	number := func(n int) { store.Write(binary.BigEndian.AppendUint32(nil, uint32(n))) } //nolint:gosec // small
	text := func(s string) {
		store.Write(binary.BigEndian.AppendUint16(nil, uint16(len(s)))) //nolint:gosec // short
		store.WriteString(s)
	}
	number(0xfeedfeed)
	number(2) // version
	number(len(certificates))
	for i, der := range certificates {
		number(2) // a trusted certificate
		text(fmt.Sprintf("certificate-%d", i))
		number(0) // the time of its creation, in two halves
		number(0)
		text("X.509")
		number(len(der))
		store.Write(der)
	}
	sum := sha1.New() //nolint:gosec // see the import
	for _, unit := range utf16.Encode([]rune(trustStorePassword)) {
		sum.Write(binary.BigEndian.AppendUint16(nil, unit))
	}
	sum.Write([]byte("Mighty Aphrodite"))
	sum.Write(store.Bytes())
	return sum.Sum(store.Bytes()), nil
}
