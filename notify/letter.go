package notify

import (
	"embed"
	"fmt"
	html "html/template"
	"strconv"
	"strings"
	text "text/template"

	"github.com/saumer/saumer/words"
)

//go:embed templates
var templates embed.FS

// layout and page are what is around the words of a letter, as text and as HTML.
var (
	layout = text.Must(text.ParseFS(templates, "templates/mail.txt"))
	page   = html.Must(html.ParseFS(templates, "templates/mail.html"))
)

// letter is a notice as a person reads it.
type letter struct{ Subject, Text, HTML string }

// content is what layout and page are filled with.
type content struct {
	Language, Subject string
	Paragraphs        []string
	// Facts are label and value.
	Facts [][2]string
	// Rows are the webhooks of a letter that is about several, each with its link.
	Rows         []entry
	Link, Button string
	Footer       string
}

// write writes the letter of a notice.
func write(s *words.Speaker, n Notice) (letter, error) {
	c := content{Language: s.Language, Link: n.Link, Button: s.Say("See what happened, and activate")}
	if c.Link == "" {
		c.Link, c.Button = n.Page, s.Say("See what happened")
	}
	c.Subject = strings.Join(strings.Fields(subject(s, n)), " ")
	for _, paragraph := range paragraphs(s, n) {
		if said := strings.Join(strings.Fields(strings.Join(paragraph, " ")), " "); said != "" {
			c.Paragraphs = append(c.Paragraphs, said)
		}
	}
	c.Facts, c.Footer = facts(s, n), s.Say("This address is set for who operates Saumer.")
	if n.Webhook != 0 {
		c.Footer = s.Say("Saumer delivers the events of the account %s. This address is set for the account, or the operator has set it for all accounts.", n.Account)
	}
	return c.letter()
}

// letter fills the layouts.
func (c content) letter() (letter, error) {
	var plain, rich strings.Builder
	if err := layout.Execute(&plain, c); err != nil {
		return letter{}, fmt.Errorf("write the notice: %w", err)
	}
	if err := page.Execute(&rich, c); err != nil {
		return letter{}, fmt.Errorf("write the notice: %w", err)
	}
	return letter{Subject: c.Subject, Text: plain.String(), HTML: rich.String()}, nil
}

// subject is what a mail is called.
func subject(s *words.Speaker, n Notice) string {
	switch n.Kind {
	case Failing:
		return s.Say("%s has not taken events since %s", n.Host, s.Minute(n.Since))
	case Deactivated:
		return s.Say("The webhook to %s is deactivated", n.Host)
	case Recovered:
		return s.Say("%s takes events again", n.Host)
	case Exhausted:
		return s.Say("%[2]s rejects %[1]d events for good", len(n.Seqs), n.Host)
	case Reachable:
		return s.Say("%s can be reached again", n.Host)
	case Lost:
		return s.Say("NATS lost %d events that it had stored", n.Events)
	case Network:
		return s.Say("The network of Saumer seems to be down")
	}
	return s.Say("News of a webhook")
}

// paragraphs are what a mail says, each as its sentences.
func paragraphs(s *words.Speaker, n Notice) [][]string {
	id := strconv.FormatUint(n.Webhook, 10)
	wait := s.Say("%d events wait for it.", n.Buffered)
	link := s.Say("The link needs no password. It works until %s.", s.Minute(n.Expires))
	switch n.Kind {
	case Failing:
		ahead := ""
		if !n.Deactivation.IsZero() {
			ahead = s.Say("If the receiver keeps failing, the webhook will be deactivated on %s.", s.Minute(n.Deactivation))
		}
		return [][]string{
			{s.Say("Webhook %s (%s) has been failing since %s.", id, n.App, s.Minute(n.Since)), s.Say("No event is lost: the events wait, and they are sent again with growing pauses."), wait},
			{ahead, s.Say("If the receiver works again by itself, there is nothing to do.")},
		}
	case Deactivated:
		return [][]string{
			{s.Say("Webhook %s (%s) was deactivated on %s: %s.", id, n.App, s.Minute(n.At), s.Told(n.Reason)), s.Say("It gets no events until somebody activates it.")},
			{
				wait, s.Say("What is published until %s is kept too.", s.Minute(n.ReplayUntil)),
				s.Say("When the receiver works again, follow the link. There you see what happened, test the receiver, and activate the webhook, which sends the events that were kept."), link,
			},
		}
	case Recovered:
		return [][]string{{
			s.Say("Webhook %s (%s) took an event on %s, for the first time since %s.", id, n.App, s.Minute(n.At), s.Minute(n.Since)),
			s.Say("The events that waited for it are being sent. There is nothing to do."),
		}}
	case Exhausted:
		return [][]string{
			{
				s.Say("Webhook %[2]s (%[3]s) takes other events, but %[1]d events failed to the last attempt. They are not sent any more.", len(n.Seqs), id, n.App),
				s.Say("The last answer, after %d attempts: %s.", n.Attempts, s.Told(n.Reason)),
			},
			{s.Say("%d events are kept, and you can send them again by hand. Their sequences in the stream: %s", len(n.Seqs), list(n.Seqs))},
		}
	case Reachable:
		return [][]string{
			{s.Say("The host of webhook %s (%s), which was deactivated, accepts connections again.", id, n.App), wait},
			{s.Say("Follow the link to test the receiver, and to activate the webhook, which sends the events that were kept."), link},
		}
	case Lost:
		return lost(s, n)
	case Network:
		return [][]string{
			{s.Say("Our own network seems to be down since %s: hosts that answered until then fail all at once, and none answers.", s.Minute(n.Since))},
			{s.Say("The events wait. No webhook is deactivated for it, and nobody else is told. Look at the network of the machines that Saumer runs on.")},
		}
	}
	return nil
}

// lost is what a mail to the operator says of events that NATS lost.
func lost(s *words.Speaker, n Notice) [][]string {
	published := s.Say("They were published until %s.", s.Minute(n.Until))
	if !n.Since.IsZero() {
		published = s.Say("They were published after %s and until %s.", s.Minute(n.Since), s.Minute(n.Until))
	}
	return [][]string{
		{s.Say("NATS does not have %d events any more that it had stored, or more than these.", n.Events), s.Sentence(n.Reason), published},
		{
			s.Say("Those that had been delivered before are delivered. Webhooks that had to wait for them do not get them."),
			s.Say("If the publishers have them, they can publish them again: with the same key, receivers know what comes twice."),
		},
	}
}

// facts are the table below the words.
func facts(s *words.Speaker, n Notice) (all [][2]string) {
	add := func(label, value string) {
		if value != "" {
			all = append(all, [2]string{label, value})
		}
	}
	if n.Webhook != 0 {
		add(s.Say("Webhook"), strconv.FormatUint(n.Webhook, 10))
		add(s.Say("App"), n.App)
		add(s.Say("Event"), n.Event)
		add(s.Say("Host"), n.Host)
		add(s.Say("Last error"), s.Told(n.Reason))
	}
	if !n.Since.IsZero() {
		add(s.Say("Since"), s.Minute(n.Since))
	}
	if !n.Until.IsZero() {
		add(s.Say("Until"), s.Minute(n.Until))
	}
	return all
}

// listed is how many sequences a letter names.
const listed = 20

// list names sequences, the first ones of many.
func list(seqs []uint64) string {
	parts := make([]string, 0, listed+1)
	for i, seq := range seqs {
		if i == listed {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, strconv.FormatUint(seq, 10))
	}
	return strings.Join(parts, ", ")
}
