package console

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/saumer/saumer/notify"
	"github.com/saumer/saumer/words"
)

// noticesShown is how many notices a page has.
const noticesShown = 30

// noticesPage is the list of what people were told.
type noticesPage struct {
	Notices []noticeView
	// Older is where the next page begins, 0 on the last.
	Older uint64
	Newer bool
}

// noticeView is a notice as the page shows it.
type noticeView struct {
	notify.Notice
	// Class is a state of the style, Text what happened in a sentence.
	Class, Text string
	// Arrivals are what came of it, by channel.
	Arrivals []arrival
}

// arrival is what came of a notice by one channel; Failed if it did not arrive.
type arrival struct {
	Text, Error string
	Failed      bool
}

func arrivalsOf(t *words.Speaker, receipts []notify.Receipt) (all []arrival) {
	for _, r := range receipts {
		channel := t.Say("Mail")
		if r.Channel != "mail" {
			channel = t.Say("POST to the operator")
		}
		a := arrival{Error: t.Sentence(r.Error), Failed: r.Result == notify.Again || r.Result == notify.Dropped}
		switch r.Result {
		case notify.Arrived:
			a.Text = t.Say("%s: sent.", channel)
		case notify.Nobody:
			a.Text = t.Say("%s: no address is set, and nobody was told.", channel)
		case notify.Again:
			a.Text = t.Say("%s: it did not arrive, and is tried again.", channel)
		case notify.Dropped:
			a.Text = t.Say("%s: it did not arrive, and is not tried again.", channel)
		}
		all = append(all, a)
	}
	return all
}

func (c *Console) noticesRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+root+"notices", c.private(c.notices))
}

func (c *Console) notices(w http.ResponseWriter, r *http.Request, v visitor) error {
	var p noticesPage
	var before uint64
	if text := r.URL.Query().Get("before"); text != "" {
		var err error
		if before, err = strconv.ParseUint(text, 10, 64); err != nil {
			return errNoPage
		}
		p.Newer = true
	}
	listed, err := c.o.Service.Notices(r.Context(), v.Account, 0, before, noticesShown+1)
	if err != nil {
		return err
	}
	if len(listed) > noticesShown {
		listed = listed[:noticesShown]
		p.Older = listed[noticesShown-1].Sequence
	}
	for _, n := range listed {
		p.Notices = append(p.Notices, noticeViewOf(v.Speaker, n))
	}
	c.write(w, r, "notices", page{Title: v.Say("Notices"), Visitor: v, Body: p})
	return nil
}

func noticeViewOf(t *words.Speaker, n notify.Notice) noticeView {
	v := noticeView{Notice: n, Class: "warn", Arrivals: arrivalsOf(t, n.Receipts)}
	switch n.Kind {
	case notify.Failing:
		v.Text = t.Say("It has been failing for a while.")
	case notify.Deactivated:
		v.Class, v.Text = "bad", t.Say("It was deactivated. Its events are kept for a replay.")
	case notify.Recovered:
		v.Class, v.Text = "good", t.Say("It takes events again.")
	case notify.Exhausted:
		seqs := make([]string, len(n.Seqs))
		for i, seq := range n.Seqs {
			seqs[i] = strconv.FormatUint(seq, 10)
		}
		v.Class, v.Text = "bad", t.Say("%d events are exhausted, with the sequences %s.", len(seqs), strings.Join(seqs, ", "))
	case notify.Lost:
		v.Class, v.Text = "bad", t.Say("NATS does not have %d events any more that it had stored, or more than these.", n.Events)
	case notify.Network:
		v.Class, v.Text = "bad", t.Say("Our own network seems to be down since %s: hosts that answered until then fail all at once, and none answers.", t.Minute(n.Since))
	case notify.Reachable:
		v.Class, v.Text = "good", t.Say("Its host accepts connections again. It waits for somebody to activate it.")
	}
	return v
}
