package integration

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
)

// tokenLife is the lifetime of an access token. It is short, to cause many refreshes.
const tokenLife = 20 * time.Second

// badAmazon is Amazon for other processes. LWA can be away, and connections to
// the gateway can be swallowed.
type badAmazon struct {
	cloud  *alexatest.Cloud
	ledger *chaosLedger

	accepted func(process, messageID string) // is called for each event that was accepted; nil is not

	login     atomic.Int32 // one of the constants below
	swallow   atomic.Int32 // what the next request to the gateway meets
	failures  atomic.Int64 // requests to LWA that failed
	swallowed atomic.Int64 // connections
}

const (
	loginWorks = iota
	loginFails
	loginHangs
	loginResets
	loginThrottles
)

const (
	swallowNothing = iota
	swallowRequest
	swallowAnswer
)

// serve returns the addresses of the hosts, and their certificate.
func (a *badAmazon) serve(t *testing.T) (hosts map[string]string, certificate []byte) {
	start := func(handler http.HandlerFunc) *httptest.Server {
		server := httptest.NewUnstartedServer(handler)
		server.Listener = swallowingListener{server.Listener}
		server.EnableHTTP2 = true
		server.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 100}
		server.Config.ErrorLog = log.New(io.Discard, "", 0) // it logs each broken connection
		server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connection{}, c.(*tls.Conn).NetConn())
		}
		server.StartTLS()
		t.Cleanup(server.Close)
		return server
	}
	login, events := start(a.serveLogin), start(a.serveGateway)
	return map[string]string{
		"api.amazon.com":         login.Listener.Addr().String(),
		"api.eu.amazonalexa.com": events.Listener.Addr().String(),
	}, login.Certificate().Raw
}

// serveLogin fails before a request has any effect, or not at all.
func (a *badAmazon) serveLogin(w http.ResponseWriter, r *http.Request) {
	mode := a.login.Load()
	if mode == loginThrottles && rand.IntN(10) == 0 {
		mode = loginWorks
	}
	if mode != loginWorks {
		a.failures.Add(1)
	}
	switch mode {
	case loginFails:
		w.WriteHeader(http.StatusServiceUnavailable)
	case loginHangs:
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	case loginResets:
		panic(http.ErrAbortHandler)
	case loginThrottles:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	default:
		a.refresh(w, r)
	}
}

func (a *badAmazon) refresh(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.Context().Err() != nil {
		return
	}
	reply := a.forward(r, r.PostForm.Encode())
	if reply.Code == http.StatusOK {
		var tokens map[string]any
		if err := json.Unmarshal(reply.Body.Bytes(), &tokens); err != nil {
			panic(err)
		}
		a.ledger.refreshed(r.PostForm.Get("refresh_token"), tokens["refresh_token"].(string), r.Header.Get(processName))
		tokens["expires_in"] = tokenLife.Seconds()
		reply.Body.Reset()
		if err := json.NewEncoder(reply.Body).Encode(tokens); err != nil {
			panic(err)
		}
	}
	copyReply(w, reply)
}

func (a *badAmazon) serveGateway(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	conn := r.Context().Value(connection{}).(*swallowingConn)
	fate := a.swallow.Swap(swallowNothing)
	if fate != swallowNothing {
		a.swallowed.Add(1)
	}
	if fate == swallowRequest {
		conn.swallowed.Store(true)
	}
	if conn.swallowed.Load() {
		return
	}
	reply := a.forward(r, string(body))
	if a.accepted != nil && reply.Code == http.StatusAccepted {
		a.accepted(r.Header.Get(processName), readChaosMessage(body).messageID())
	}
	if fate == swallowAnswer {
		conn.swallowed.Store(true)
	}
	copyReply(w, reply)
}

// forward gets the response of the cloud.
func (a *badAmazon) forward(r *http.Request, body string) *httptest.ResponseRecorder {
	request, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), r.Method, "https://"+r.Host+r.URL.Path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	request.Header = r.Header
	response, err := a.cloud.RoundTrip(request)
	if err != nil {
		panic(err)
	}
	reply := httptest.NewRecorder()
	reply.Code = response.StatusCode
	if _, err := io.Copy(reply.Body, response.Body); err != nil {
		panic(err)
	}
	return reply
}

func copyReply(w http.ResponseWriter, reply *httptest.ResponseRecorder) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(reply.Code)
	_, _ = w.Write(reply.Body.Bytes())
}

// connection is the key of a request's connection in its context.
type connection struct{}

// swallowingListener accepts connections that can be swallowed.
type swallowingListener struct{ net.Listener }

func (l swallowingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return &swallowingConn{Conn: conn}, err
}

// swallowingConn is a connection that stays open when it is swallowed, but transfers
// nothing more.
type swallowingConn struct {
	net.Conn
	swallowed atomic.Bool
}

func (c *swallowingConn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if err != nil || !c.swallowed.Load() {
			return n, err
		}
	}
}

func (c *swallowingConn) Write(p []byte) (int, error) {
	if c.swallowed.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// badPostgres is a proxy of a PostgreSQL server that can interrupt connections.
type badPostgres struct {
	listener net.Listener
	upstream func() (net.Conn, error)
	flow     sync.RWMutex // held by who interrupts it

	mu    sync.Mutex
	down  bool
	conns map[net.Conn]bool
}

// serveBadPostgres returns a database with another address.
func serveBadPostgres(t *testing.T, d database) (*badPostgres, database) {
	config, err := pgconn.ParseConfig(d.Source)
	require.NoError(t, err)
	network, address := pgconn.NetworkAddress(config.Host, config.Port)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	p := &badPostgres{
		listener: listener,
		upstream: func() (net.Conn, error) { return net.Dial(network, address) },
		conns:    make(map[net.Conn]bool),
	}
	go p.serve()

	source, err := url.Parse(d.Source)
	require.NoError(t, err)
	query := source.Query()
	query.Del("host")
	query.Del("port")
	source.Host, source.RawQuery = listener.Addr().String(), query.Encode()
	d.Source = source.String()
	return p, d
}

func (p *badPostgres) serve() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		far, err := p.upstream()
		if err != nil {
			_ = near.Close()
			continue
		}
		p.keep(near, far)
		for _, pair := range [][2]net.Conn{{near, far}, {far, near}} {
			go func() {
				defer p.drop(near, far)
				p.pass(pair[0], pair[1])
			}()
		}
	}
}

// pass copies, unless the flow is interrupted.
func (p *badPostgres) pass(from, to net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		p.flow.RLock()
		_, err = to.Write(buffer[:n])
		p.flow.RUnlock()
		if err != nil {
			return
		}
	}
}

func (p *badPostgres) keep(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = true
		if p.down {
			_ = c.Close()
		}
	}
}

func (p *badPostgres) drop(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(p.conns, c)
	}
}

// cut ends all connections, and refuses new ones for that time.
func (p *badPostgres) cut(pause time.Duration) {
	set := func(down bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.down = down
		for c := range p.conns {
			_ = c.Close()
		}
	}
	set(true)
	time.Sleep(pause)
	set(false)
}

// hang delays every byte for that time.
func (p *badPostgres) hang(pause time.Duration) {
	p.flow.Lock()
	defer p.flow.Unlock()
	time.Sleep(pause)
}

// interrupt calls cut or hang.
func (p *badPostgres) interrupt(pause time.Duration) error {
	if rand.IntN(2) == 0 {
		p.cut(pause)
	} else {
		p.hang(pause)
	}
	return nil
}
