package app_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/zap"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/app"
	"github.com/saumer/saumer/event"
	"github.com/saumer/saumer/registry"
)

// scraped are the values of the metrics, by name and labels as Prometheus writes them; of a histogram its count.
func scraped(t *testing.T, address string) map[string]float64 {
	t.Helper()
	res, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // it was read
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			key := name
			if len(labels) > 0 {
				key += "{" + strings.Join(labels, ",") + "}"
			}
			values[key] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return values
}

// measured runs an app that serves metrics and delivers to a receiver that answers with the status that an event's body names.
func measured(t *testing.T) (a *app.App, receiver *httptest.Server) {
	t.Helper()
	receiver = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		status, err := strconv.Atoi(string(body))
		if err != nil {
			status = http.StatusTeapot
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(receiver.Close)
	o := app.Defaults()
	o.Data, o.HTTP, o.Metrics, o.Account, o.Password, o.Log, o.Grace = t.TempDir(), "127.0.0.1:0", "127.0.0.1:0", "demo", "password of demo", zap.NewNop(), time.Second
	o.AllowCIDRs = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	o.BackoffInitial, o.BackoffMax = time.Hour, time.Hour
	a, err := app.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
	<-a.Ready()
	return a, receiver
}

// The counters are what the receivers saw, and the gauges what waits.
func TestMetricsTellWhatHappened(t *testing.T) {
	t.Parallel()
	a, receiver := measured(t)
	me := registry.Account{Name: "demo", Operator: true}
	for _, name := range []string{event.Defaults[0], event.Defaults[1]} {
		if _, _, err := a.Service().Create(t.Context(), me, api.CreateInput{App: "a", Event: name, URL: receiver.URL}); err != nil {
			t.Fatal(err)
		}
	}
	for i, status := range []string{"200", "200", "204", "400"} {
		if _, err := a.Service().Publish(t.Context(), me, event.Defaults[0], "", []byte(status)); err != nil {
			t.Fatal(i, err)
		}
	}
	if _, err := a.Service().Publish(t.Context(), me, event.Defaults[1], "", []byte("503")); err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		`saumer_attempts_total{outcome="delivered",replay="false"}`:   3,
		`saumer_attempts_total{outcome="status",replay="false"}`:      1,
		`saumer_attempts_total{outcome="unavailable",replay="false"}`: 1,
		`saumer_attempts_total{outcome="dns",replay="false"}`:         0,
		`saumer_attempt_duration_seconds{delivered="true"}`:           3,
		`saumer_attempt_duration_seconds{delivered="false"}`:          2,
		`saumer_delivery_age_seconds`:                                 3,
		`saumer_attempts_in_flight`:                                   0,
		`saumer_network_down`:                                         0,
		`saumer_ready`:                                                1,
		`saumer_stream_last_sequence`:                                 5,
		`saumer_live_path_behind_events`:                              0,
		`saumer_backlogs_unreadable`:                                  0,
	}
	var wrong string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		got := scraped(t, a.Metrics())
		wrong = ""
		for name, value := range want {
			if seen, there := got[name]; !there || seen != value {
				wrong += fmt.Sprintf("%s is %v, want %v\n", name, seen, value)
			}
		}
		if wrong == "" {
			break
		}
	}
	if wrong != "" {
		t.Error(wrong)
	}
}

// Every metric that an alert or the dashboard asks for is one that there is.
func TestAlertsAndDashboardAskForWhatThereIs(t *testing.T) {
	t.Parallel()
	rules, err := os.ReadFile("../deploy/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	dashboard, err := os.ReadFile("../deploy/grafana/saumer.json")
	if err != nil {
		t.Fatal(err)
	}
	a, _ := measured(t)
	res, err := http.Get("http://" + a.HTTP() + "/readyz") // a request is counted once there is one
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	got := scraped(t, a.Metrics())
	var named []string
	for _, text := range [][]byte{rules, dashboard} {
		found := regexp.MustCompile(`(?:saumer|process)_[a-z_]+`).FindAllString(string(text), -1)
		if len(found) == 0 {
			t.Fatalf("nothing is asked for in\n%s", text)
		}
		named = append(named, found...)
	}
	operations, err := os.ReadFile("../docs/METRICS.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range named {
		name = strings.TrimSuffix(name, "_bucket")
		found := false
		for key := range got {
			found = found || key == name || strings.HasPrefix(key, name+"{")
		}
		if !found {
			t.Errorf("an alert or the dashboard asks for %s, and there is no such metric", name)
		}
	}
	for _, alert := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(rules), -1) {
		if !strings.Contains(string(operations), "`"+alert[1]+"`") {
			t.Errorf("docs/METRICS.md does not say what to do about %s", alert[1])
		}
	}
}
