package rest_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/rest"
)

func TestHTTPClientFollowsNoRedirect(t *testing.T) {
	server := httptest.NewServer(http.RedirectHandler("https://elsewhere.example/", http.StatusFound))
	defer server.Close()
	given := &http.Client{Timeout: time.Minute}
	for _, client := range []*http.Client{nil, given} {
		response, err := rest.HTTPClient(client).Get(server.URL)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusFound, response.StatusCode)
	}
	require.Nil(t, given.CheckRedirect, "the caller's own client stays as it is")
	require.Equal(t, time.Minute, rest.HTTPClient(given).Timeout)
}

func TestDefaultClient(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://proxy.example")
	client := rest.HTTPClient(nil)
	require.Equal(t, 30*time.Second, client.Timeout)
	transport := client.Transport.(*http.Transport)
	require.Nil(t, transport.Proxy)
	require.Equal(t, 512, transport.MaxIdleConnsPerHost)
	require.GreaterOrEqual(t, transport.MaxIdleConns, 2*transport.MaxIdleConnsPerHost)
}

// network is a network in memory that can drop its connections silently: they stay
// open and transmit nothing.
type network struct {
	net.Listener // nil

	server  chan net.Conn
	closed  chan struct{}
	closing sync.Once

	mu    sync.Mutex
	conns []*conn
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.server:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error   { n.closing.Do(func() { close(n.closed) }); return nil }
func (n *network) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

func (n *network) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	n.server <- far
	c := &conn{Conn: near}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns = append(n.conns, c)
	return c, nil
}

func (n *network) drop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		c.dropped.Store(true)
	}
}

type conn struct {
	net.Conn
	dropped atomic.Bool
}

func (c *conn) Write(p []byte) (int, error) {
	if c.dropped.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// A silently dropped connection ends within six seconds, so that the next request
// succeeds.
func TestDefaultClientClosesDeadConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		links := &network{server: make(chan net.Conn), closed: make(chan struct{})}
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Proto", r.Proto)
		}))
		require.NoError(t, server.Listener.Close())
		server.Listener, server.EnableHTTP2 = links, true
		server.StartTLS()
		transport := rest.HTTPClient(nil).Transport.(*http.Transport).Clone()
		transport.DialContext = links.dial
		transport.TLSClientConfig = &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com"}
		client := rest.HTTPClient(&http.Client{Transport: transport, Timeout: 10 * time.Second})
		get := func() error {
			response, err := client.Get(server.URL)
			if err != nil {
				return err
			}
			defer response.Body.Close()
			require.Equal(t, "HTTP/2.0", response.Header.Get("Proto"))
			_, err = io.Copy(io.Discard, response.Body)
			return err
		}
		require.NoError(t, get())
		require.NoError(t, get())
		require.Len(t, links.conns, 1)

		links.drop()
		start := time.Now()
		require.Error(t, get(), "the connection looks open")
		require.Equal(t, 6*time.Second, time.Since(start))
		require.NoError(t, get())
		require.Equal(t, 6*time.Second, time.Since(start))
		require.Len(t, links.conns, 2)

		links.drop() // while no request is under way
		time.Sleep(7 * time.Second)
		start = time.Now()
		require.NoError(t, get())
		require.Zero(t, time.Since(start))
		transport.CloseIdleConnections()
		server.Close()
	})
}
