package backlog

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/saumer/saumer/event"
)

// Records of form 1, as they were written, each in a line after what it is, with what they are read as: the record in a few lines, and
// form 2.
func TestForm1(t *testing.T) {
	t.Parallel()
	const file = "testdata/form1/records.txt"
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for step := range strings.SplitSeq(strings.TrimSpace(string(want)), "\n\n") {
		head, _, _ := strings.Cut(step, "\n----")
		_, record1, _ := strings.Cut(head, "\n")
		r, err := Decode([]byte(record1), 1, noon.Add(time.Hour))
		if err != nil {
			t.Fatalf("%s: %v", head, err)
		}
		got.WriteString(head + "\n----\n" + describe(r, noon.Add(time.Hour)) + string(encode(t, r)) + "\n\n")
	}
	switch text := strings.TrimSuffix(got.String(), "\n"); {
	case *update:
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	case text != string(want):
		t.Errorf("a record is read as something else%s", firstDifference(text, string(want)))
	}
}

// A record that is no JSON, illegal, or holds pending events that are none, is refused.
func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for form, records := range map[int][]string{
		1: {
			``, `[]`, `{"pending":17}`, `{"pending":"?"}`, `{"pending":"AAA"}`, `{"pending":"Aw"}`, `{"pending":"AwD///////////8BAA"}`,
			`{"pending":"AwCAgICAgCA"}`, `{"spans":[{"next":3},{"next":9}]}`, `{"retries":[{"seq":9},{"seq":9}]}`,
		},
		Form: {
			``, `[]`, `{}`, `{"state":"retrying","pending":17}`, `{"state":"retrying","pending":"?"}`, `{"state":"retrying","pending":"AAA"}`,
			`{"state":"retrying","pending":"Aw"}`, `{"state":"retrying","pending":"AwI"}`, `{"state":"retrying","pending":"AwD///////////8BAA"}`,
			`{"state":"retrying","pending":"A/////////8B"}`, `{"state":"asleep"}`, `{"state":"retrying","retries":[{"seq":9},{"seq":9}]}`,
		},
	} {
		for _, data := range records {
			if r, err := Decode([]byte(data), form, noon); err == nil {
				t.Errorf("%s is read in form %d as %+v", data, form, r)
			}
		}
	}
}

// Pending events take little space, and come back as they were.
func TestPendingIsSmall(t *testing.T) {
	t.Parallel()
	var p Pending
	for seq := range uint64(20_000) {
		p = append(p, Waiting{Position: event.Position{Seq: 1_000_000_000 + seq, Time: noon.Add(time.Duration(seq) * time.Millisecond)}, Attempts: 1})
	}
	p = append(p, Waiting{Position: event.Position{Seq: 1 << 60}, Attempts: 1 << 30, Replay: true})
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back Pending
	if err := json.Unmarshal(data, &back); err != nil || !slices.Equal(back, p) {
		t.Errorf("%d events came back as %d, error %v", len(p), len(back), err)
	}
	if len(data) > 170_000 {
		t.Errorf("20,000 pending events take %d bytes", len(data))
	}
	if again, err := json.Marshal(back); err != nil || !bytes.Equal(again, data) {
		t.Errorf("they are written as something else, error %v", err)
	}
}
