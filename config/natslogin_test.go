package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A setting may stand in the file that its variable with _FILE names; what else is set goes before it, or is refused.
func TestSettingsFromFiles(t *testing.T) {
	secret := file(t, "secret", "correct horse \n")
	s, err := parse(t, map[string]string{"SAUMER_PASSWORD_FILE": secret, "SAUMER_GRACE_FILE": file(t, "grace", "7s\n")}, "--config="+file(t, "c.yaml", "password: of the file\n"))
	if err != nil || s.Password != "correct horse" || s.Grace.Seconds() != 7 {
		t.Errorf("%q, %v, %v", s.Password, s.Grace, err)
	}
	s, err = parse(t, map[string]string{"SAUMER_PASSWORD_FILE": secret}, "--password=of the flag")
	if err != nil || s.Password != "of the flag" {
		t.Errorf("%q, %v", s.Password, err)
	}
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"both":      {map[string]string{"SAUMER_PASSWORD_FILE": secret, "SAUMER_PASSWORD": "x"}, "SAUMER_PASSWORD and SAUMER_PASSWORD_FILE are both set"},
		"no file":   {map[string]string{"SAUMER_PASSWORD_FILE": filepath.Join(t.TempDir(), "none")}, "read the file of SAUMER_PASSWORD_FILE"},
		"too large": {map[string]string{"SAUMER_PASSWORD_FILE": file(t, "large", strings.Repeat("x", secretSize+1))}, "has more than 65536 bytes"},
	} {
		if _, err := parse(t, c.env); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// What does not fit together, or cannot be read, is a sentence before anything is tried.
func TestConnectionsAreChecked(t *testing.T) {
	nothing := filepath.Join(t.TempDir(), "none")
	if err := os.WriteFile(nothing, []byte("nothing of use"), 0o600); err != nil {
		t.Fatal(err)
	}
	external := []string{"--nats-url=nats://n:4222", "--redis-url=rediss://r:6379"}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"creds of the embedded": {[]string{"--nats-creds=" + nothing}, "are for an external NATS"},
		"two logins":            {append(external, "--nats-creds="+nothing, "--nats-nkey="+nothing), "give one of them"},
		"no creds":              {append(external, "--nats-creds="+nothing+"x"), "--nats-creds cannot be read"},
		"no seed":               {append(external, "--nats-nkey="+nothing), "has no seed of an nkey"},
		"no CA":                 {append(external, "--nats-ca="+nothing), "--nats-ca " + nothing + " has no certificate in PEM"},
		"a certificate alone":   {append(external, "--nats-cert="+nothing), "--nats-cert and --nats-key need each other"},
		"no certificate":        {append(external, "--nats-cert="+nothing, "--nats-key="+nothing), "are no certificate with its key"},
		"Redis of its own":      {[]string{"--redis-master=m"}, "are for an external Redis"},
		"Redis without TLS":     {[]string{"--redis-url=redis://r:6379", "--redis-ca=" + nothing}, "write --redis-url with rediss://"},
		"Redis' CA":             {append(external, "--redis-ca="+nothing), "--redis-ca " + nothing},
		"Redis' key":            {append(external, "--redis-key="+nothing), "--redis-cert and --redis-key need each other"},
		"the API's certificate": {[]string{"--tls-cert=" + nothing}, "--tls-cert and --tls-key need each other"},
		"the API's pair":        {[]string{"--tls-cert=" + nothing, "--tls-key=" + nothing}, "--tls-cert and --tls-key are no certificate"},
	} {
		s, err := parse(t, nil, c.args...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Options(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
