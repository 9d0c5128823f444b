package certs

import (
	"encoding/base64"
	"errors"
	"fmt"
)

var strict = base64.StdEncoding.Strict()

// DecodeSignature decodes the base64 of a signature by an RSA key of 2048 bits,
// as Amazon has, to 4096. It accepts one spelling of each signature.
func DecodeSignature(encoded []byte) ([]byte, error) {
	signature, err := strict.AppendDecode(nil, encoded)
	if err != nil || len(encoded) != strict.EncodedLen(len(signature)) { // line breaks are skipped, even by strict
		return nil, errors.New("not base64")
	}
	if n := len(signature); n != 256 && n != 384 && n != 512 {
		return nil, fmt.Errorf("a signature of %d bytes", n)
	}
	return signature, nil
}
