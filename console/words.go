package console

import (
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/text/language"
)

// words are the texts of the page behind the link, in one language.
type words struct {
	Lang, Title string

	Heading, Why, Since, App, Event, Host, Waiting, Until, Expires string
	Replay, ReplayHint, Activate, Test, TestHint                   string
	TestedOften, TestFailed, AnswersNot                            string
	Done, DoneHint, Used, UsedHint, UsedAt                         string
	Again, AgainHint, Takes, Drop, Keep, Lost                      string
	Expired, ExpiredHint, Gone, GoneHint, Wrong, WrongHint         string
	WrongForm, Console                                             string
	Inactive, Failing, Sending, Live, Finished, ProgressLabel      string

	answers, progress, allSent string
	// separator is that of thousands.
	separator string
}

var english = &words{
	Lang: "en", Title: "Activate a webhook",
	Heading: "This webhook was deactivated", Why: "Why", Since: "Since", App: "App", Event: "Event", Host: "Host",
	Waiting: "Events kept", Until: "All of them until", Expires: "This link works until",
	Replay: "Send the events that were kept", ReplayHint: "Without this they are dropped, and only new events are sent.",
	Activate: "Activate the webhook", Test: "Test the connection", TestHint: "The test makes a connection and sends nothing. Whether the URL takes events shows when the webhook is active.",
	TestedOften: "The URL was tested a moment ago. Wait ten seconds.", TestFailed: "The test could not be made. Try again.",
	AnswersNot: "No connection can be made.",
	Again:      "This webhook was deactivated again", AgainHint: "For this deactivation there is a new notice, with a link of its own.",
	Takes: "The URL does not take events at the moment. They wait, and are sent again with growing pauses.",
	Drop:  "Without it, %s events are dropped for good.", Keep: "Activate and drop them",
	Lost: "There is no contact with Saumer. What is shown is from",
	Done: "The webhook is active", DoneHint: "New events are sent again as they are published.",
	Used: "The webhook has already been activated", UsedHint: "There is nothing more to do. A link works once.", UsedAt: "Activated",
	Expired: "This link has expired", ExpiredHint: "The time for a replay is over. You can still activate the webhook in the console. Then new events are sent.",
	Gone: "This webhook does not exist any more", GoneHint: "It was deleted, so there is nothing to activate.",
	Wrong: "This link does not work", WrongHint: "It was changed on its way, or a part of it is missing. Copy the whole link from the notice again.",
	WrongForm: "This form did not come from this page. Nothing was changed. Load the page again.", Console: "To the console",
	Inactive: "Inactive", Failing: "The URL is failing again", Sending: "Sending", Live: "Live", Finished: "Done", ProgressLabel: "Progress of the replay",
	answers: "A connection was made in %s. Nothing was sent.", progress: "%s of %s events sent", allSent: "All %s events are sent.", separator: ",",
}

var german = &words{
	Lang: "de", Title: "Webhook aktivieren",
	Heading: "Dieser Webhook wurde deaktiviert", Why: "Grund", Since: "Seit", App: "App", Event: "Ereignis", Host: "Host",
	Waiting: "Aufbewahrte Ereignisse", Until: "Vollständig bis", Expires: "Dieser Link gilt bis",
	Replay: "Aufbewahrte Ereignisse senden", ReplayHint: "Ohne Haken werden sie verworfen, und nur neue Ereignisse werden gesendet.",
	Activate: "Webhook aktivieren", Test: "Verbindung prüfen", TestHint: "Die Prüfung baut eine Verbindung auf und sendet nichts. Ob die URL Ereignisse annimmt, zeigt sich erst nach der Aktivierung.",
	TestedOften: "Die URL wurde eben erst geprüft. Bitte warten Sie zehn Sekunden.", TestFailed: "Die Prüfung war nicht möglich. Bitte versuchen Sie es noch einmal.",
	AnswersNot: "Es kommt keine Verbindung zustande.",
	Again:      "Dieser Webhook wurde erneut deaktiviert", AgainHint: "Für diese Deaktivierung gibt es eine neue Nachricht mit einem eigenen Link.",
	Takes: "Die URL nimmt zurzeit keine Ereignisse an. Sie warten und werden mit wachsenden Abständen erneut gesendet.",
	Drop:  "Ohne Nachsenden gehen %s Ereignisse endgültig verloren.", Keep: "Aktivieren und verwerfen",
	Lost: "Es besteht keine Verbindung zu Saumer. Angezeigt wird der Stand von",
	Done: "Der Webhook ist aktiv", DoneHint: "Neue Ereignisse werden wieder gesendet, sobald sie eintreffen.",
	Used: "Der Webhook wurde bereits aktiviert", UsedHint: "Es ist nichts mehr zu tun. Ein Link gilt nur einmal.", UsedAt: "Aktiviert",
	Expired: "Dieser Link ist abgelaufen", ExpiredHint: "Die Zeit für das Nachsenden ist vorbei. In der Konsole können Sie den Webhook weiterhin aktivieren. Dann werden neue Ereignisse gesendet.",
	Gone: "Diesen Webhook gibt es nicht mehr", GoneHint: "Er wurde gelöscht. Es gibt nichts zu aktivieren.",
	Wrong: "Dieser Link funktioniert nicht", WrongHint: "Er wurde unterwegs verändert oder ist unvollständig. Bitte kopieren Sie den ganzen Link noch einmal aus der Nachricht.",
	WrongForm: "Dieses Formular kam nicht von dieser Seite. Es wurde nichts geändert. Bitte laden Sie die Seite neu.", Console: "Zur Konsole",
	Inactive: "Inaktiv", Failing: "Die URL antwortet wieder nicht", Sending: "Wird gesendet", Live: "Aktiv", Finished: "Fertig", ProgressLabel: "Fortschritt des Nachsendens",
	answers: "Die Verbindung kam in %s zustande. Gesendet wurde nichts.", progress: "%s von %s Ereignissen gesendet", allSent: "Alle %s Ereignisse sind gesendet.", separator: ".",
}

var languages = language.NewMatcher([]language.Tag{language.English, language.German})

// wordsOf are those of the language that the request prefers.
func wordsOf(r *http.Request) *words {
	if _, i := language.MatchStrings(languages, r.Header.Get("Accept-Language")); i == 1 {
		return german
	}
	return english
}

// Answers says that a connection was made in a time.
func (t *words) Answers(took string) string { return fmt.Sprintf(t.answers, took) }

// Dropped says how many events are lost without a replay.
func (t *words) Dropped(n uint64) string { return fmt.Sprintf(t.Drop, t.Number(n)) }

// Progress says how many events of all are sent; nothing, if there are none.
func (t *words) Progress(sent, all uint64) string {
	if all == 0 {
		return ""
	}
	return fmt.Sprintf(t.progress, t.Number(sent), t.Number(all))
}

// AllSent says that all are sent.
func (t *words) AllSent(all uint64) string { return fmt.Sprintf(t.allSent, t.Number(all)) }

// Number is a count as the language writes it.
func (t *words) Number(n uint64) string {
	return strings.ReplaceAll(count(n), ",", t.separator)
}
