package registry

import (
	"testing"
	"time"

	"github.com/saumer/saumer/broker"
	"github.com/saumer/saumer/filter"
)

// form1 is a webhook's record as the version before wrote it, form2 what this one makes of it.
const (
	form1 = `{"v":1,"id":7,"account":"demo","app":"a","event":"x","url":"https://h/","created":"2026-03-01T12:00:00Z","secrets":["s"],"active":true,` +
		`"activation":{"at":"2026-03-02T12:00:00Z","replay":true,"until":8,"from":9,"deactivated":"2026-03-01T18:00:00Z"},` +
		`"ranges":[{"from":0,"to":5},{"from":7,"to":9},{"from":12}]}`
	form2 = `{"v":2,"id":7,"account":"demo","app":"a","event":"x","url":"https://h/","created":"2026-03-01T12:00:00Z","secrets":["s"],"active":true,` +
		`"activation":{"at":"2026-03-02T12:00:00Z","deactivated":"2026-03-01T18:00:00Z","replay":true,"until":{"seq":8},"from":{"seq":9,"asof":"2026-03-02T12:00:00Z"}},` +
		`"ranges":[{"id":"before","from":0,"to":{"seq":5,"asof":"2026-03-03T12:00:00Z"}},{"id":"from-7","from":7,"to":{"seq":9,"asof":"2026-03-03T12:00:00Z"}},{"id":"from-12","from":12}]}`
)

func TestForm1IsReadAsForm2(t *testing.T) {
	t.Parallel()
	written := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	for data, when := range map[string]time.Time{form1: written, form2: {}} {
		w, err := decodeWebhook(broker.Entry{Key: "demo.7", Value: []byte(data), Revision: 3, Written: when})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := EncodeWebhook(&w); err != nil || string(got) != form2 {
			t.Errorf("%s\nis written as\n%s\n%v", data, got, err)
		}
	}
	// What the index holds does not tell when it was written.
	w, err := decodeOf("demo", broker.Entry{Value: []byte(form1)})
	if err != nil || !w.Ranges[0].To.AsOf.IsZero() || w.Ranges[0].To.Seq != 5 {
		t.Errorf("from the index: %+v, %v", w.Ranges, err)
	}
}

// A journal that an older version wrote is served, and what is changed is of the new form.
func TestJournalOfForm1(t *testing.T) {
	t.Parallel()
	_, b := newTestAccounts(t)
	sealer, err := NewSealer(NewKey())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Webhooks.Put(t.Context(), "demo.7", []byte(form1), 0); err != nil {
		t.Fatal(err)
	}
	r := openRegistry(t, b, sealer)
	w, err := r.Get(t.Context(), "demo.7")
	if end := w.Ranges[0].To; err != nil || end.Seq != 5 || time.Since(end.AsOf).Abs() > time.Hour {
		t.Errorf("read as %+v, %v", w, err)
	}
	if w, err = r.Update(t.Context(), "demo.7", func(w *Webhook) error { w.App = "b"; return nil }); err != nil || w.Form != webhookForm {
		t.Errorf("updated %+v, %v", w, err)
	}
	entry, err := b.Webhooks.Get(t.Context(), "demo.7")
	if err != nil || string(entry.Value[:6]) != `{"v":2` {
		t.Errorf("the record is %s, %v", entry.Value, err)
	}
	w, _, err = r.Create(t.Context(), Webhook{Account: "demo", Event: "x", URL: "https://h/"})
	if err != nil {
		t.Fatal(err)
	}
	if w.ID != 8 || len(w.Ranges) != 1 || w.Ranges[0].ID != RangeBefore || w.Ranges[0].To.Seq != 1 || w.Ranges[0].To.AsOf.IsZero() {
		t.Errorf("made %+v", w)
	}
}

// A filter is in a form that an older version leaves alone, and with the filter that form is gone.
func TestFilterHasAForm(t *testing.T) {
	t.Parallel()
	_, b := newTestAccounts(t)
	sealer, err := NewSealer(NewKey())
	if err != nil {
		t.Fatal(err)
	}
	r := openRegistry(t, b, sealer)
	form := func(w Webhook) string {
		t.Helper()
		entry, err := b.Webhooks.Get(t.Context(), w.Key())
		if err != nil {
			t.Fatal(err)
		}
		return string(entry.Value[:6])
	}
	for _, c := range []struct{ url, before string }{{"https://h/", `{"v":2`}, {"https://h/path", `{"v":3`}} {
		w, _, err := r.Create(t.Context(), Webhook{Account: "demo", App: "a", Event: "x", URL: c.url, Filter: &filter.Filter{Pointer: "/id", Equals: []byte("7")}})
		if err != nil || form(w) != `{"v":4` {
			t.Fatalf("%s: form %s, %v", c.url, form(w), err)
		}
		found, err := r.Lookup(t.Context(), []Pair{{"demo", "x"}})
		if subs := found[Pair{"demo", "x"}]; err != nil || len(subs) == 0 || subs[len(subs)-1].Target.URL != c.url ||
			!subs[len(subs)-1].Filter.LeftOut([]byte(`{"id":8}`)) || subs[len(subs)-1].Filter.LeftOut([]byte(`{"id":7}`)) {
			t.Errorf("%s is looked up as %+v, %v", c.url, subs, err)
		}
		if w, err = r.Update(t.Context(), w.Key(), func(w *Webhook) error { w.Filter = nil; return nil }); err != nil || form(w) != c.before {
			t.Errorf("%s without its filter: form %s, %v", c.url, form(w), err)
		}
	}
}
