package security

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/saumer/saumer/test/process"
)

// authority signs certificates for 127.0.0.1, for servers and clients.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	// file has its certificate.
	file string
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir(), pool: x509.NewCertPool()}
	a.file = filepath.Join(a.dir, "ca.pem")
	var der []byte
	der, a.key = a.make(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil)
	var err error
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.cert)
	a.write(a.file, "CERTIFICATE", der)
	return a
}

// make makes a certificate of a template, signed by itself without a parent.
func (a *authority) make(template *x509.Certificate, parent *x509.Certificate) ([]byte, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber, _ = rand.Int(rand.Reader, big.NewInt(1<<62))
	template.Subject = pkix.Name{CommonName: fmt.Sprint("test ", template.SerialNumber)}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	signer := a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	return der, key
}

func (a *authority) write(path, kind string, der []byte) {
	a.t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// issue writes a certificate and its key, and returns their files and the certificate.
func (a *authority) issue(name string) (cert, key string, issued []byte) {
	a.t.Helper()
	der, private := a.make(&x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert)
	text, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, key = filepath.Join(a.dir, name+".pem"), filepath.Join(a.dir, name+".key")
	a.write(cert, "CERTIFICATE", der)
	a.write(key, "EC PRIVATE KEY", text)
	return cert, key, der
}

// secretFile writes a secret as people do, with a newline.
func secretFile(t *testing.T, secret string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The API and the embedded NATS speak TLS, a new certificate is taken in while they run, and neither speaks without.
func TestTLSOfTheProcess(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	cert, key, _ := a.issue("server")
	web := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: a.pool}, DisableKeepAlives: true, ForceAttemptHTTP2: true,
	}}
	s, err := process.StartAt(binary, t.TempDir(), web, nil, "--nats-listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	url, err := s.Await("Publishers")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(s.API, "https://") || !strings.HasPrefix(url, "tls://") {
		t.Errorf("the addresses are %s and %s", s.API, url)
	}
	login := nats.UserInfo("demo", process.Password)
	nc, err := process.Connect(url, login, nats.RootCAs(a.file))
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	if nc, err := process.Connect(strings.Replace(url, "tls://", "nats://", 1), login); err == nil {
		nc.Close()
		t.Error("a publisher got in without a certificate that it trusts")
	}
	if res, err := client.Get(strings.Replace(s.API, "https://", "http://", 1) + "/v1/webhooks"); err == nil {
		_ = res.Body.Close() // only its status counts
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("without TLS the API answers %s", res.Status)
		}
	}
	_, _, fresh := a.issue("server")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		res, err := web.Get(s.API + "/healthz")
		if err == nil {
			_ = res.Body.Close() // only the certificate counts
			if string(res.TLS.PeerCertificates[0].Raw) == string(fresh) {
				break
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the new certificate is not shown after a minute: %v", err)
		}
	}
}

// Saumer and `saumer publish` reach an external NATS that wants TLS, a certificate of the client and an nkey.
func TestExternalNATSWithCertificatesAndNKey(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	cert, key, _ := a.issue("server")
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := user.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "tls.conf")
	text := fmt.Sprintf("jetstream { store_dir: %q }\ntls { cert_file: %q, key_file: %q, ca_file: %q, verify: true }\nauthorization { users: [{ nkey: %s }] }\n", dir, cert, key, a.file, public)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	n := &process.NATS{Binary: natsBinary, Dir: dir, Config: config}
	if err := n.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Kill)
	mine, minesKey, _ := a.issue("client")
	login := []string{"--nats-url", n.URL(), "--nats-nkey", secretFile(t, string(seed)), "--nats-ca", a.file, "--nats-cert", mine, "--nats-key", minesKey}
	s := serve(t, append(login, "--data", t.TempDir(), "--allow-cidrs", "127.0.0.0/8")...)
	e := receive(t)
	if _, err := s.Create(e.url); err != nil {
		t.Fatal(err)
	}
	publish := exec.CommandContext(t.Context(), binary, append([]string{"publish", "optin_finalized", "-"}, login...)...)
	publish.Stdin = strings.NewReader(`"sealed"`)
	if out, err := publish.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	e.await(`"sealed"`)
	for left, want := range map[int]string{2: "", 4: "certificate", 6: ""} {
		without := append(append([]string{"serve", "--http", "127.0.0.1:0", "--data", t.TempDir()}, login[:left]...), login[left+2:]...)
		if left == 6 {
			without = without[:len(without)-2] // the key too
		}
		out, err := exec.CommandContext(t.Context(), binary, without...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "--nats-url") || !strings.Contains(string(out), want) || strings.Contains(string(out), string(seed)) {
			t.Errorf("without %s: %v, %s", login[left], err, out)
		}
	}
}

// A Redis is reached with TLS, a client's certificate and an ACL user whose password is in a file.
func TestExternalRedisWithCertificatesAndUser(t *testing.T) {
	t.Parallel()
	process.NeedRedis(t)
	a := newAuthority(t)
	cert, key, _ := a.issue("server")
	r := &process.Redis{Dir: t.TempDir(), TLS: []string{
		"--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", a.file,
		"--user", "saumer", "on", ">hidden", "~saumer:*", "~{saumer:*", "&*", "+@all", "-@dangerous", "+info", "+config|get", "--user", "default", "off",
	}}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Kill)
	mine, minesKey, _ := a.issue("client")
	url := fmt.Sprintf("rediss://saumer:hidden@127.0.0.1:%d", r.Port)
	args := []string{"--nats-listen", "127.0.0.1:0", "--redis-ca", a.file, "--redis-cert", mine, "--redis-key", minesKey}
	env := []string{"SAUMER_REDIS_URL_FILE=" + secretFile(t, url)}
	s, err := process.Start(binary, t.TempDir(), env, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	e := receive(t)
	if _, err := s.Create(e.url); err != nil {
		t.Fatal(err)
	}
	if err := s.Publish("a", `"indexed"`); err != nil {
		t.Fatal(err)
	}
	e.await(`"indexed"`)
	for name, without := range map[string][]string{"the authority": {"--redis-cert", mine, "--redis-key", minesKey}, "a certificate": {"--redis-ca", a.file}} {
		cmd := exec.CommandContext(t.Context(), binary, append([]string{"serve", "--http", "127.0.0.1:0", "--nats-listen=", "--data", t.TempDir()}, without...)...)
		cmd.Env = append(os.Environ(), env...)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "--redis-url") || strings.Contains(string(out), "hidden") {
			t.Errorf("without %s: %v, %s", name, err, out)
		}
	}
}

// A cluster behind one address is one.
func TestRedisClusterBehindOneAddress(t *testing.T) {
	t.Parallel()
	process.NeedRedis(t)
	r := &process.Redis{Dir: t.TempDir(), Cluster: true}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Kill)
	s := serve(t, "--nats-listen", "127.0.0.1:0", "--redis-url", r.URL())
	e := receive(t)
	if _, err := s.Create(e.url); err != nil {
		t.Fatal(err)
	}
	if err := s.Publish("a", `"in a cluster"`); err != nil {
		t.Fatal(err)
	}
	e.await(`"in a cluster"`)
	out, err := exec.CommandContext(t.Context(), binary, "serve", "--http", "127.0.0.1:0", "--nats-listen=", "--data", t.TempDir(), "--redis-url", r.URL()+"/3").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "not allowed in cluster mode; check --redis-url") {
		t.Errorf("a database of a cluster: %v, %s", err, out)
	}
}
