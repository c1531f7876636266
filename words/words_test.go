package words

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestSay(t *testing.T) {
	t.Parallel()
	en, de := In("en"), In("de")
	for _, c := range []struct {
		got, want string
	}{
		{en.Say("%d events wait.", 1), "1 event waits."},
		{en.Say("%d events wait.", uint64(48112)), "48,112 events wait."},
		{de.Say("%d events wait.", 1), "1 Ereignis wartet."},
		{de.Say("%d events wait.", uint64(48112)), "48.112 Ereignisse warten."},
		{de.Say("%d of %d webhooks need attention.", 1, 44), "1 von 44 Webhooks braucht Aufmerksamkeit."},
		{de.Say("%d of %d webhooks need attention.", 38, 44), "38 von 44 Webhooks brauchen Aufmerksamkeit."},
		{In("fr").Say("Overview"), "Overview"},
		{en.Number(1234567), "1,234,567"},
		{de.Number(uint64(1234567)), "1.234.567"},
		{en.Decimal(120.5), "120.5"},
		{de.Decimal(1204), "1.204"},
		{de.Decimal(4.56), "4,6"},
		{en.Brief(1500 * time.Millisecond), "1.5 s"},
		{de.Brief(1500 * time.Millisecond), "1,5 s"},
		{de.Brief(50 * time.Hour), "2 T 2 h"},
		{en.Brief(50 * time.Hour), "2 d 2 h"},
	} {
		if c.got != c.want {
			t.Errorf("said is %q, want %q", c.got, c.want)
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 26, 16, 42, 7, 0, time.UTC)
	zurich, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	east, err := time.LoadLocation("Asia/Dubai")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ got, want string }{
		{In("en").Minute(at), "26 November 2026, 16:42 UTC"},
		{In("de").Second(at), "26.11.2026, 16:42:07 UTC"},
		{In("en").At(zurich).Minute(at), "26 November 2026, 17:42 CET"},
		{In("de").At(zurich).Minute(at), "26.11.2026, 17:42 MEZ"},
		{In("de").At(zurich).Minute(at.AddDate(0, -5, 0)), "26.06.2026, 18:42 MESZ"},
		{In("de").At(east).Minute(at), "26.11.2026, 20:42 UTC+04"},
	} {
		if c.got != c.want {
			t.Errorf("the time is %q, want %q", c.got, c.want)
		}
	}
}

func TestTold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"the endpoint answered 503 Service Unavailable":                     "Der Empfänger antwortete mit 503 Service Unavailable.",
		"hooks.example.org:8080: the connection was refused":                "hooks.example.org:8080: die Verbindung wurde abgelehnt.",
		"invalid url: it has 3000 bytes, at most 2048":                      "Ungültige URL: sie hat 3.000 Byte, höchstens 2.048 sind erlaubt.",
		`The stream has no event "order.7" for this webhook.`:               `Der Stream hat für diesen Webhook kein Ereignis "order.7".`,
		"the account demo has used its 10 tests a minute: try again in 6 s": "Das Konto demo hat seine 10 Prüfungen pro Minute verbraucht; versuchen Sie es in 6 s noch einmal.",
		"It waits in the backlog.":                                          "Es wartet im Rückstand.",
		"It waits in the backlog; the endpoint has been failing since 2026-11-26 16:42:07 UTC (h: there is no such name), and the next attempt is at 2026-11-26 16:52:07 UTC.": "Es wartet im Rückstand; der Empfänger ist seit dem 2026-11-26 16:42:07 UTC gestört (h: diesen Namen gibt es nicht), und der nächste Versuch ist am 2026-11-26 16:52:07 UTC.",
		"The endpoint rejected it 3 times, last because the endpoint answered 301 Moved; redirects are not followed; the next attempt is due now.":                             "Der Empfänger hat es abgelehnt, 3-mal, zuletzt weil: der Empfänger antwortete mit 301 Moved; Weiterleitungen wird nicht gefolgt. Der nächste Versuch steht jetzt an.",
		"the account demo has its 5 webhooks: delete one, or ask the operator for more: try again in 60 s":                                                                     "Das Konto demo hat seine 5 Webhooks schon: Löschen Sie einen, oder bitten Sie den Betreiber um mehr; versuchen Sie es in 60 s noch einmal.",
		"the account demo has its 5 liveViews open: try again in 10 s":                                                                                                         "Das Konto demo hat seine 5 Live-Ansichten schon offen; versuchen Sie es in 10 s noch einmal.",
		"invalid filter: equals and oneOf of the data are texts, numbers, true, false or null, of at most 256 bytes each":                                                      "Ungültiger Filter: die Daten: equals und oneOf sind Texte, Zahlen, true, false oder null von je höchstens 256 Byte.",
		`invalid events: "a b" is neither a name nor a pattern such as optin_* or *`:                                                                                           `Ungültige Ereignisse: "a b" ist weder ein Name noch ein Muster wie optin_* oder *.`,
		"network":                 "Netz gestört.",
		"what somebody else says": "What somebody else says.",
		"":                        "",
	} {
		if got := In("de").Sentence(text); got != want {
			t.Errorf("%q is told as\n%q, want\n%q", text, got, want)
		}
		if got := In("en").Told(text); got != text {
			t.Errorf("%q is told in English as %q", text, got)
		}
	}
	if Tells("what somebody else says") || !Tells("the endpoint answered 410 Gone") {
		t.Error("Tells does not know what the catalogue has")
	}
}

// A message has the same arguments and the same marks of HTML in both languages, and in German it is another text unless it is
// a name.
func TestCatalogueIsWhole(t *testing.T) {
	t.Parallel()
	marks := regexp.MustCompile(`<[^>]*>`)
	same := map[string]bool{}
	for _, text := range []string{"Webhooks", "App", "Webhook", "Webhook %s", "Webhook %s (%s)", "Host", "Details", "test", "Status %s", "URL", "webhooks", "Limit", "link"} {
		same[text] = true
	}
	counts := func(text string) map[string]int {
		found := map[string]int{}
		for _, v := range append(verb.FindAllString(text, -1), marks.FindAllString(text, -1)...) {
			found[v]++
		}
		return found
	}
	for text, m := range messages {
		if m.de == "" || m.de == text && !same[text] && len(text) > 1 {
			t.Errorf("%q has no German", text)
		}
		if (m.one == "") != (m.eins == "") {
			t.Errorf("%q has the form of one in one language only", text)
		}
		for v, n := range counts(text) {
			if got := counts(m.de)[v]; got != n {
				t.Errorf("%q has %s %d times in English and %d times in German", text, v, n, got)
			}
		}
		if m.one != "" && !strings.Contains(text, "%d") && !strings.Contains(text, "%[1]d") {
			t.Errorf("%q counts nothing", text)
		}
	}
}
