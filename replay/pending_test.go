package replay

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestPendingGoesThroughJSON(t *testing.T) {
	t.Parallel()
	var p Pending
	for _, seq := range []uint64{70_000, 3, 5, 4, 3, 1 << 60} {
		p.add(seq, int(seq%7))
	}
	p.remove(5)
	p.remove(99)
	want := Pending{{3, 3}, {4, 4}, {70_000, 70_000 % 7}, {1 << 60, (1 << 60) % 7}}
	if !slices.Equal(p, want) {
		t.Fatalf("pending %v, want %v", p, want)
	}
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back Pending
	if err := json.Unmarshal(data, &back); err != nil || !slices.Equal(back, want) {
		t.Errorf("%s came back as %v, error %v", data, back, err)
	}
}

func TestPendingIsSmall(t *testing.T) {
	t.Parallel()
	var p Pending
	for seq := range uint64(20_000) {
		p.add(seq+1_000_000_000, 1)
	}
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > 60_000 {
		t.Errorf("20,000 pending events take %d bytes", len(data))
	}
}

func FuzzPendingUnmarshal(f *testing.F) {
	f.Add(`"AwEEAg"`)
	f.Add(`""`)
	f.Add(`"AAA"`)
	f.Add(`"////////////AQ"`)
	f.Add(`[1,2]`)
	f.Fuzz(func(t *testing.T, text string) {
		var p Pending
		if json.Unmarshal([]byte(text), &p) != nil {
			return
		}
		if !slices.IsSortedFunc(p, func(a, b Waiting) int {
			if a.Seq < b.Seq {
				return -1
			}
			return 1
		}) {
			t.Errorf("%q was read as %v, which is not ascending", text, p)
		}
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var again Pending
		if err := json.Unmarshal(data, &again); err != nil || !slices.Equal(p, again) {
			t.Errorf("%v went to %s and came back as %v, error %v", p, data, again, err)
		}
	})
}
