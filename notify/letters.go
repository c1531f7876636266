package notify

import (
	"slices"
	"strconv"

	"github.com/saumer/saumer/words"
)

// entry is a webhook in a letter that is about several.
type entry struct{ Text, Link string }

// newest are the newest notice of each webhook, oldest first. That of exhausted events names those of all.
func newest(all []Notice) []Notice {
	var kept []Notice
	for _, n := range slices.Backward(all) {
		i := slices.IndexFunc(kept, func(k Notice) bool { return k.Webhook == n.Webhook })
		switch {
		case i < 0:
			kept = append(kept, n)
		case n.Kind == Exhausted:
			kept[i].Seqs = append(slices.Clone(n.Seqs), kept[i].Seqs...)
		}
	}
	slices.Reverse(kept)
	return kept
}

// writeAll writes the letter of notices of one account, kind and host about several webhooks, oldest first.
func writeAll(s *words.Speaker, all []Notice) (letter, error) {
	first := all[0]
	c := content{Language: s.Language, Subject: subjectOfAll(s, len(all), first)}
	waiting := uint64(0)
	for _, n := range all {
		waiting += n.Buffered
		e := entry{Text: s.Say("Webhook %s (%s)", strconv.FormatUint(n.Webhook, 10), n.App), Link: n.Link}
		if e.Link == "" {
			e.Link = n.Page
		}
		if n.Buffered > 0 {
			e.Text += ": " + s.Say("%d events wait", n.Buffered)
		}
		c.Rows = append(c.Rows, e)
	}
	c.Paragraphs = paragraphsOfAll(s, waiting, all)
	c.Footer = s.Say("Saumer delivers the events of the account %s. This address is set for the account, or the operator has set it for all accounts.", first.Account)
	c.Facts = [][2]string{{s.Say("Host"), first.Host}}
	if first.Reason != "" {
		c.Facts = append(c.Facts, [2]string{s.Say("Last error"), s.Told(first.Reason)})
	}
	return c.letter()
}

func subjectOfAll(s *words.Speaker, n int, first Notice) string {
	switch first.Kind {
	case Failing:
		return s.Say("%s does not take events: %d webhooks", first.Host, n)
	case Deactivated:
		return s.Say("%d webhooks to %s are deactivated", n, first.Host)
	case Recovered:
		return s.Say("%s takes events again: %d webhooks", first.Host, n)
	case Exhausted:
		return s.Say("%s rejects events of %d webhooks for good", first.Host, n)
	case Reachable:
		return s.Say("%s can be reached again: %d webhooks", first.Host, n)
	}
	return s.Say("News of %d webhooks", n)
}

// paragraphsOfAll are what a letter about several webhooks says.
func paragraphsOfAll(s *words.Speaker, waiting uint64, all []Notice) []string {
	n, first := len(all), all[0]
	wait := s.Say("%d events wait for them.", waiting)
	switch first.Kind {
	case Failing:
		return []string{
			s.Say("%d webhooks to %s have been failing since %s.", n, first.Host, s.Minute(first.Since)) + " " + s.Say("No event is lost: the events wait, and they are sent again with growing pauses.") + " " + wait,
			s.Say("If the receiver works again by itself, there is nothing to do."),
		}
	case Deactivated:
		return []string{
			s.Say("%d webhooks to %s were deactivated. They get no events until somebody activates them.", n, first.Host) + " " + wait,
			s.Say("When the receiver works again, follow the links: they activate the webhooks, which sends the events that were kept. The links need no password."),
		}
	case Recovered:
		return []string{s.Say("%d webhooks to %s take events again. The events that waited for them are being sent. There is nothing to do.", n, first.Host)}
	case Exhausted:
		return []string{s.Say("%d webhooks to %s take other events, but some failed to the last attempt. They are not sent any more; they are kept, and you can send them again by hand.", n, first.Host)}
	case Reachable:
		return []string{
			s.Say("The host of %d deactivated webhooks accepts connections again.", n) + " " + wait,
			s.Say("When the receiver works again, follow the links: they activate the webhooks, which sends the events that were kept. The links need no password."),
		}
	}
	return nil
}
