package broker

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// stands is what NATS says of a consumer that has handed out so many.
func stands(delivered, pending uint64, waiting, unacknowledged int) *jetstream.ConsumerInfo {
	return &jetstream.ConsumerInfo{
		Config:    jetstream.ConsumerConfig{MaxAckPending: 10},
		Delivered: jetstream.SequenceInfo{Stream: delivered, Consumer: delivered}, NumPending: pending, NumWaiting: waiting, NumAckPending: unacknowledged,
	}
}

func TestStarving(t *testing.T) {
	t.Parallel()
	type look struct {
		info *jetstream.ConsumerInfo
		next uint64
	}
	paused := stands(5, 1, 1, 0)
	paused.Paused = true
	for name, test := range map[string]struct {
		looks []look
		want  bool
	}{
		"nothing waits":                           {[]look{{stands(5, 0, 1, 0), 0}, {stands(5, 0, 1, 0), 0}}, false},
		"an event came between two questions":     {[]look{{stands(5, 0, 1, 0), 6}}, false},
		"each look finds another event that came": {[]look{{stands(5, 0, 1, 0), 6}, {stands(9, 0, 1, 0), 10}}, false},
		"NATS counts nothing that is pending":     {[]look{{stands(5, 0, 0, 0), 6}, {stands(5, 0, 0, 0), 6}}, true},
		"somebody asks, and gets nothing":         {[]look{{stands(5, 9, 1, 0), 6}, {stands(5, 9, 1, 0), 6}}, true},
		"nobody asks":                             {[]look{{stands(5, 9, 0, 0), 6}, {stands(5, 9, 0, 0), 6}}, false},
		"too many are not acknowledged":           {[]look{{stands(5, 9, 1, 10), 6}, {stands(5, 9, 1, 10), 6}}, false},
		"it is paused":                            {[]look{{paused, 6}, {paused, 6}}, false},
		"it moved meanwhile":                      {[]look{{stands(5, 0, 1, 0), 6}, {stands(6, 0, 1, 0), 7}}, false},
		"it moved after two looks":                {[]look{{stands(5, 0, 1, 0), 6}, {stands(5, 0, 1, 0), 6}, {stands(6, 0, 1, 0), 0}}, false},
	} {
		var s starving
		last := stands(0, 0, 0, 0)
		for _, l := range test.looks {
			s.looked("x", l.info, l.next)
			last = l.info
		}
		if got := s.at("x", last); got != test.want {
			t.Errorf("%s: it starves is %v", name, got)
		}
	}
}

// starve has a consumer count as one that two looks found to stand still.
func starve(t *testing.T, b *Broker, stream, name string) {
	t.Helper()
	info, err := b.consumerInfo(t.Context(), stream, name)
	if err != nil || info == nil {
		t.Fatal(info, err)
	}
	info.NumPending = 0
	for range 2 {
		b.starving.looked(name, info, info.Delivered.Stream+1)
	}
}

func TestConsumerThatStarvesIsMadeAgain(t *testing.T) {
	t.Parallel()
	b := open(t)
	publish(t, b, 1, 11)
	expect(t, "at first", take(t, b, 6), "[1 2 3 4 5 6]")
	starve(t, b, streamEvents, dispatchName)
	unready(t, b, "more")
	b.doubt()
	expect(t, "after it starved", take(t, b, 10), "[7 8 9 10]")
	b.health.forget()
	if err := b.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// Each consumer that is gone while the process runs is made again where it was.
func TestConsumersThatAreGoneAreMadeAgain(t *testing.T) {
	t.Parallel()
	b := open(t)
	store := func(text string) {
		if _, err := b.JetStream.Publish(t.Context(), NoticeSubject("demo", "failing"), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	store("before the channel was there")
	mail, err := b.NoticeConsumer(t.Context(), "mail")
	if err != nil {
		t.Fatal(err)
	}
	expectNotice := func(want string) {
		t.Helper()
		m, err := mail.Next(jetstream.FetchMaxWait(5 * time.Second))
		if err != nil || string(m.Data()) != want {
			t.Fatalf("the channel has %v, %v; want %q", m, err, want)
		}
		if err := m.DoubleAck(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	store("first")
	expectNotice("first")
	if err := b.heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.JetStream.DeleteConsumer(t.Context(), streamNotices, "notices-mail"); err != nil {
		t.Fatal(err)
	}
	unready(t, b, "notices-mail")
	store("second")
	if err := b.heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	expectNotice("second")
	// A start finds it as it is.
	if _, err := b.NoticeConsumer(t.Context(), "mail"); err != nil {
		t.Error(err)
	}
	store("third")
	starve(t, b, streamNotices, "notices-mail")
	unready(t, b, "notices-mail")
	// The third look sees it again, where it was found to stand still.
	k := b.keptConsumers()[1]
	if at := k.again(false); at.OptStartSeq != 3 {
		t.Errorf("it would go on with %+v", at)
	}
}

func TestPausedConsumersAreSaid(t *testing.T) {
	t.Parallel()
	b := open(t)
	for stream, name := range map[string]string{streamEvents: dispatchName, streamWakes: runnersName} {
		if _, err := b.JetStream.PauseConsumer(t.Context(), stream, name, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		unready(t, b, "the consumer "+name+" is paused")
		if err := b.heal(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := b.JetStream.ResumeConsumer(t.Context(), stream, name); err != nil {
			t.Fatal(err)
		}
	}
	b.health.forget()
	if err := b.Ready(t.Context()); err != nil && strings.Contains(err.Error(), "paused") {
		t.Error(err)
	}
}

// A consumer that was reset under a running process is noticed by what it hands out.
func TestResetUnderARunningProcessIsNoticed(t *testing.T) {
	t.Parallel()
	b := open(t)
	publish(t, b, 1, 4)
	take(t, b, 3)
	b.watch.mark.Time = b.watch.mark.Time.Add(2 * relapse)
	doubts, before := b.doubts(), b.watch.own()
	b.handed("$JS.ACK.EVENTS.dispatch.1.1.9.1700000000000000000.0")
	if b.doubts() == doubts || !b.watch.own().Is(before.Position) {
		t.Errorf("an event of long ago is no reason to look: %+v", b.watch.own())
	}
}
