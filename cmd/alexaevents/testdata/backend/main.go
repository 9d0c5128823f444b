// Command backend is a backend in Go whose Amazon is the cloud that ALEXAEVENTS_CLOUD
// names. It prints its port.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/signature"
	"github.com/alexaevents/alexaevents/skillevents"
)

func main() {
	amazon, err := alexatest.Remote(os.Getenv("ALEXAEVENTS_CLOUD"))
	if err != nil {
		log.Fatal(err)
	}
	verifier := &signature.Verifier{Skills: []string{"amzn1.ask.skill.example"}, Roots: amazon.Roots(), HTTPClient: amazon.Client()}
	handler := verifier.Handler(&skillevents.Handler{Receive: func(context.Context, skillevents.Event) error { return nil }})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(l.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(l, handler))
}
