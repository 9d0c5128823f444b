package integration

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/skillevents"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// hasty is the errand of a backend that acknowledges each event before it stores
// what the event tells.
type hasty struct{ Database database }

func (h hasty) run(ctx context.Context, out io.Writer) error {
	db, err := h.Database.connect()
	if err != nil {
		return err
	}
	defer db.Close()
	store := sqlstore.New(db, h.Database.Dialect)
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS accounts (id TEXT PRIMARY KEY)"); err != nil {
		return err
	}
	recorder := &identity.Recorder{Store: store, Account: subject}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		if event, err := skillevents.Parse(body); err == nil {
			_ = recorder.Record(context.WithoutCancel(r.Context()), event)
		}
	})}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		untilInputEnds()
		_ = server.Close()
	}()
	if _, err := fmt.Fprintln(out, "http://"+listener.Addr().String()); err != nil {
		return err
	}
	return server.Serve(listener)
}

// subject believes every access token.
func subject(_ context.Context, accessToken string) (accountID string, err error) {
	parts := strings.Split(accessToken, ".")
	if len(parts) != 3 {
		return "", errors.New("not an access token of the issuer")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", err
	}
	var c claims
	err = json.Unmarshal(text, &c)
	return c.Subject, err
}
