package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// workers measures two nodes that share one external NATS and Redis: those of the options, or ones of its own.
func (b *Bench) workers(ctx context.Context) (err error) {
	natsURL, redisURL := b.NATSURL, b.RedisURL
	var store *process
	if natsURL == "" {
		if store, err = b.begin(ctx, storing); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, store.end()) }()
		b.nodes++
		if natsURL, err = ask[string](ctx, store, "Open", StoreOptions{Dir: filepath.Join(b.dir, fmt.Sprintf("nats-%d", b.nodes))}); err != nil {
			return err
		}
	}
	if redisURL == "" {
		url, end, err := startRedis(ctx, b.dir)
		if errors.Is(err, exec.ErrNotFound) {
			b.say("t10 is left out: there is no redis-server; install one, or give --redis-url")
			return nil
		}
		if err != nil {
			return err
		}
		defer end()
		redisURL = url
	}
	const turns = 2
	events := b.size(100_000) / turns
	// One node is measured before and after, as the bare loop is elsewhere.
	var got Received
	var two, one time.Duration
	for turn := range turns + 1 {
		_, cost, err := b.drain(ctx, Load{Accounts: 1, Events: events}, 1, Hooks{Count: 1, Accounts: 1, URL: b.url(fast), MaxInFlight: connections})
		if err != nil {
			return err
		}
		one += cost
		if turn == turns {
			break
		}
		came, cost, err := b.shared(ctx, events, natsURL, redisURL, store)
		if err != nil {
			return err
		}
		got, two = got.and(came), two+cost
	}
	b.report.add(Row{Name: "T10", What: "CPU a delivery, two workers with NATS and Redis, to T2's", Target: 1.2}, float64(two)/turns/(float64(one)/(turns+1)))
	b.report.add(Row{Name: "T10", What: "deliveries a second of two workers", Unit: "/s"}, got.rate())
	return nil
}

// shared measures two nodes with one NATS and Redis; store is the process of that NATS, if it is the benchmark's own.
func (b *Bench) shared(ctx context.Context, events int, natsURL, redisURL string, store *process) (got Received, cost time.Duration, err error) {
	hooks := []Hooks{{Count: 1, Accounts: 1, URL: b.url(fast), MaxInFlight: connections / 2}}
	parts := make([]*process, 2)
	for i := range parts {
		parts[i], _, err = b.startWith(ctx, NodeOptions{NATSURL: natsURL, RedisURL: redisURL}, hooks...)
		defer func() { err = errors.Join(err, parts[i].end()) }()
		if err != nil {
			return got, 0, err
		}
		hooks = nil // the first has written them
	}
	if _, err := ask[None](ctx, b.receiver, "Expect", Expected{1, events}); err != nil {
		return got, 0, err
	}
	if _, err := ask[None](ctx, parts[0], "Publish", Load{Accounts: 1, Events: events}); err != nil {
		return got, 0, err
	}
	used := func() (sum Usage, err error) {
		all := parts
		if store != nil {
			all = append(all[:len(all):len(all)], store)
		}
		for _, p := range all {
			u, err := ask[Usage](ctx, p, "Usage", None{})
			if err != nil {
				return sum, err
			}
			sum.CPU += u.CPU
		}
		r, err := redisCPU(ctx, redisURL)
		sum.CPU += r
		return sum, err
	}
	before, err := used()
	if err != nil {
		return got, 0, err
	}
	for _, p := range parts {
		if _, err := ask[time.Duration](ctx, p, "Run", None{}); err != nil {
			return got, 0, err
		}
	}
	if got, err = b.wait(ctx, events); err != nil {
		return got, 0, err
	}
	after, err := used()
	return got, after.CPU - before.CPU, err
}

// startRedis starts a redis-server that keeps nothing: exec.ErrNotFound if there is none.
func startRedis(ctx context.Context, dir string) (url string, end func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("find a port for Redis: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return "", nil, fmt.Errorf("find a port for Redis: %w", err)
	}
	cmd := exec.CommandContext(ctx, "redis-server", "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--dir", dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, fmt.Errorf("start redis-server: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("start redis-server: %w", err)
	}
	end = func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // it was killed, and says so
	}
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		if strings.Contains(scanner.Text(), "Ready to accept connections") {
			return fmt.Sprintf("redis://127.0.0.1:%d/0", port), end, nil
		}
	}
	end()
	return "", nil, errors.New("start redis-server: it ended before it was ready")
}

// redisCPU is what a Redis has used so far.
func redisCPU(ctx context.Context, url string) (time.Duration, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return 0, fmt.Errorf("read the URL of Redis: %w", err)
	}
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }() // it has answered
	info, err := client.Info(ctx, "cpu").Result()
	if err != nil {
		return 0, fmt.Errorf("ask Redis what it has used: %w", err)
	}
	var sum float64
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_sys" || name == "used_cpu_user" {
			seconds, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return 0, fmt.Errorf("read what Redis has used: %w", err)
			}
			sum += seconds
		}
	}
	return time.Duration(sum * float64(time.Second)), nil
}
