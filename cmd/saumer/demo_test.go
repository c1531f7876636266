package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestTally(t *testing.T) {
	t.Parallel()
	plain := func(numbers ...int) []received {
		var out []received
		for _, n := range numbers {
			out = append(out, received{number: n})
		}
		return out
	}
	cases := map[string]struct {
		deliveries []received
		published  int
		want       tally
	}{
		"nothing":      {nil, 0, tally{}},
		"all":          {plain(1, 2, 3), 3, tally{published: 3, delivered: 3}},
		"missing":      {plain(1, 3), 4, tally{published: 4, delivered: 2, missing: 2}},
		"duplicate":    {plain(1, 2, 1), 2, tally{published: 2, delivered: 2, duplicates: 1}},
		"out of order": {plain(2, 1, 3), 3, tally{published: 3, delivered: 3, late: 1}},
		"marks": {
			[]received{{1, false, true}, {2, true, true}, {3, true, false}}, 3,
			tally{published: 3, delivered: 3, replayed: 2, verified: 2},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tallyOf(c.deliveries, c.published); got != c.want {
				t.Errorf("tally %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestWitness(t *testing.T) {
	t.Parallel()
	var w witness
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	post := func(number int) error {
		response, err := client.Post("http://"+w.address, "application/json", strings.NewReader(fmt.Sprintf(`{"number":%d}`, number)))
		if err != nil {
			return err
		}
		return response.Body.Close()
	}
	for n := range 2 {
		if err := w.up(); err != nil {
			t.Fatal(err)
		}
		if err := post(n + 1); err != nil {
			t.Fatal(err)
		}
		if err := w.down(); err != nil {
			t.Fatal(err)
		}
		if err := post(9); err == nil {
			t.Fatal("it answers although it is down")
		}
	}
	if err := w.down(); err != nil {
		t.Errorf("down again: %v", err)
	}
	if got, want := w.count(2), (tally{published: 2, delivered: 2}); got != want {
		t.Errorf("tally %+v, want %+v", got, want)
	}
}

func TestAlongside(t *testing.T) {
	t.Parallel()
	broken, stuck := errors.New("broken"), errors.New("stuck")
	untilEnd := func(ctx context.Context) error { <-ctx.Done(); return nil }
	if err := alongside(t.Context(), untilEnd, func(context.Context) error { return stuck }); !errors.Is(err, stuck) {
		t.Errorf("do fails: %v", err)
	}
	err := alongside(t.Context(), func(context.Context) error { return broken }, func(ctx context.Context) error {
		<-ctx.Done()
		return context.Cause(ctx)
	})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "in the middle") {
		t.Errorf("serve fails: %v", err)
	}
	if err := alongside(t.Context(), untilEnd, func(context.Context) error { return nil }); err != nil {
		t.Errorf("both end well: %v", err)
	}
}

// The whole story on the real thing, as the README promises it.
func TestDemo(t *testing.T) {
	t.Parallel()
	got := saumer(t, "", "demo")
	for _, want := range []string{"published 15, delivered 15", "missing 0, order: kept", "signatures verify", "active 0, reason: ", "next attempt in ", "notice: notices.demo.deactivated", "8 buffered", "8 events will be replayed"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("the demo lacks %q", want)
		}
	}
	if got.code != exitOK || t.Failed() {
		t.Errorf("exit code %d, %s\n%s", got.code, got.err, got.out)
	}
}
