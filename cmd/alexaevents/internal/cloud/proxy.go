package cloud

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// amazonHost matches the hosts that the cloud stands in for.
var amazonHost = regexp.MustCompile(`^(s3\.amazonaws\.com|www\.amazon\.com|api\.amazon\.(com|co\.uk|co\.jp)|api(\.eu|\.fe)?\.amazonalexa\.com|sns\.[a-z0-9-]+\.amazonaws\.(com|com\.cn|eu))$`)

// proxy serves everything on one port. CONNECT to a host of Amazon ends TLS with a
// certificate of the cloud, CONNECT to another host is passed through unread, a path
// /HOST/... is a request to a host of Amazon, and other paths are the control API.
type proxy struct {
	amazon  http.Handler // hosts of Amazon over TLS
	paths   http.Handler // the same by path
	control http.Handler
	leaf    func(host string) tls.Certificate
	offline bool // whether CONNECT to other hosts is refused

	leaves  sync.Map // *tls.Certificate by host
	tunnels *tunnels
}

func newProxy(amazon, control http.Handler, leaf func(string) tls.Certificate, offline bool) *proxy {
	return &proxy{amazon: amazon, paths: guard(amazon), control: control, leaf: leaf, offline: offline, tunnels: newTunnels()}
}

// certificate is a tls.Config.GetCertificate.
func (p *proxy) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	host := hello.ServerName
	if !amazonHost.MatchString(host) {
		return nil, fmt.Errorf("not a host of the cloud: %q", host)
	}
	if found, ok := p.leaves.Load(host); ok {
		return found.(*tls.Certificate), nil
	}
	leaf := p.leaf(host)
	p.leaves.Store(host, &leaf)
	return &leaf, nil
}

// serveTLS serves the hosts of Amazon by the name that the client requests.
func (p *proxy) serveTLS(ctx context.Context, l net.Listener) error {
	server := newServer(ctx, p.amazon)
	server.TLSConfig = &tls.Config{GetCertificate: p.certificate, MinVersion: tls.VersionTLS12}
	return server.ServeTLS(l, "", "")
}

func newServer(ctx context.Context, handler http.Handler) *http.Server {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: noLog}
	context.AfterFunc(ctx, func() { server.Close() })
	return server
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodConnect:
		p.connect(w, r)
	case r.URL.IsAbs():
		http.Error(w, "alexaevents cloud: the proxy is for HTTPS alone", http.StatusForbidden)
	default:
		host, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		handler := p.control
		if amazonHost.MatchString(host) {
			handler = p.paths
		}
		handler.ServeHTTP(w, r)
	}
}

func (p *proxy) connect(w http.ResponseWriter, r *http.Request) {
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		http.Error(w, "alexaevents cloud: CONNECT needs host:port", http.StatusBadRequest)
		return
	}
	var upstream net.Conn
	ours := amazonHost.MatchString(host) && port == "443"
	if !ours {
		if p.offline {
			http.Error(w, "alexaevents cloud: not a host of Amazon, and the cloud is offline: "+host, http.StatusForbidden)
			return
		}
		dialer := &net.Dialer{Timeout: 10 * time.Second}
		if upstream, err = dialer.DialContext(r.Context(), "tcp", r.Host); err != nil {
			http.Error(w, "alexaevents cloud: "+err.Error(), http.StatusBadGateway)
			return
		}
	}
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "alexaevents cloud: CONNECT needs HTTP/1.1", http.StatusHTTPVersionNotSupported)
		return
	}
	if _, err := io.WriteString(client, "HTTP/1.1 200 Connection Established\r\n\r\n"); err != nil {
		client.Close()
		return
	}
	conn := &bufferedConn{client, buffered.Reader}
	if ours {
		p.tunnels.add(conn)
		return
	}
	go func() {
		defer upstream.Close()
		_, _ = io.Copy(upstream, conn)
	}()
	go func() {
		defer client.Close()
		_, _ = io.Copy(client, upstream)
	}()
}

// bufferedConn is a connection of which a server has read the start.
type bufferedConn struct {
	net.Conn
	reader *bufio.Reader
}

func (c *bufferedConn) Read(p []byte) (int, error) { return c.reader.Read(p) }

// tunnels is a listener for the connections of CONNECT requests.
type tunnels struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newTunnels() *tunnels {
	return &tunnels{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (t *tunnels) add(conn net.Conn) {
	select {
	case t.conns <- conn:
	case <-t.closed:
		conn.Close()
	}
}

func (t *tunnels) Accept() (net.Conn, error) {
	select {
	case conn := <-t.conns:
		return conn, nil
	case <-t.closed:
		return nil, errors.New("closed")
	}
}

func (t *tunnels) Close() error {
	t.once.Do(func() { close(t.closed) })
	return nil
}

func (t *tunnels) Addr() net.Addr { return &net.TCPAddr{} }

// guard refuses what another web page can make a browser send: requests from other
// origins, and requests to a name that somebody else's DNS points to this machine. A
// name without a dot is no such name.
func guard(next http.Handler) http.Handler {
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(r.Host); err == nil {
			host = name
		}
		if strings.Contains(host, ".") && net.ParseIP(host) == nil && host != "host.docker.internal" {
			http.Error(w, "alexaevents cloud: not a name of this machine: "+host, http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
