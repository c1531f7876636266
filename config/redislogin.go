package config

import (
	"crypto/tls"
	"errors"
	"strings"

	"github.com/saumer/saumer/registry"
)

// RedisLogin is how the external Redis is reached, besides what its URL says.
type RedisLogin struct {
	RedisCA     string `name:"redis-ca" help:"File with the certificates, PEM, that the certificate of the Redis of --redis-url, rediss://, is checked against. Default: empty, the system's." placeholder:"FILE" env:"SAUMER_REDIS_CA" group:"External NATS and Redis"`
	RedisCert   string `name:"redis-cert" help:"File with a certificate, PEM, that is shown to that Redis; with --redis-key." placeholder:"FILE" env:"SAUMER_REDIS_CERT" group:"External NATS and Redis"`
	RedisKey    string `name:"redis-key" help:"File with the key of --redis-cert, PEM." placeholder:"FILE" env:"SAUMER_REDIS_KEY" group:"External NATS and Redis"`
	RedisMaster string `name:"redis-master" help:"Name of the master that the Sentinels of --redis-url know; they may be several, with commas between. Default: empty, no Sentinels." placeholder:"NAME" env:"SAUMER_REDIS_MASTER" group:"External NATS and Redis"`
}

// options checks the files and makes options of package registry of them. Its error has a line for each that is wrong.
func (r RedisLogin) options(url string) (registry.RedisOptions, error) {
	var c check
	o := registry.RedisOptions{Master: r.RedisMaster}
	c.that(r == (RedisLogin{}) || url != "", "--redis-ca, --redis-cert, --redis-key and --redis-master are for an external Redis: give its --redis-url, or leave them out")
	c.that((r.RedisCert == "") == (r.RedisKey == ""), "--redis-cert and --redis-key need each other: give both, in PEM")
	encrypted := strings.HasPrefix(url, "rediss://")
	c.that(r.RedisCA == "" && r.RedisCert == "" || encrypted || url == "", "--redis-ca and --redis-cert need TLS: write --redis-url with rediss://")
	if r.RedisCA != "" {
		pool, err := authorities(r.RedisCA)
		c.that(err == nil, "--redis-ca %v", err)
		o.CAs = pool
	}
	if r.RedisCert != "" && r.RedisKey != "" {
		c.pair("--redis-cert", r.RedisCert, "--redis-key", r.RedisKey)
		o.Certificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(r.RedisCert, r.RedisKey)
			return &pair, err
		}
	}
	return o, errors.Join(c.wrong...)
}
