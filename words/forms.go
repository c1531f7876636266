package words

// forms are the forms of the console, the pages that ask, and what is said of a form that came.
var forms = map[string]said{
	"Cancel": {de: "Abbrechen"},
	"Create": {de: "Anlegen"},
	"Each event of one kind is sent to a URL of yours, from its creation on.": {
		de: "Jedes Ereignis einer Art wird an eine Ihrer URLs gesendet, von nun an.",
	},
	"Your own name for what the webhook belongs to.": {de: "Ihr eigener Name für das, wozu der Webhook gehört."},
	"Each event is POSTed there as JSON. Your receiver has to answer 2xx within 15 seconds.": {
		de: "Jedes Ereignis wird als JSON per POST dorthin gesendet. Ihr Empfänger muss innerhalb von 15 Sekunden mit 2xx antworten.",
	},
	"Begin in the past": {de: "In der Vergangenheit beginnen"},
	"A time, or a sequence of the stream: what is kept from there on is sent as a replay. Empty: from now on.": {
		de: "Eine Zeit oder eine Sequenznummer des Streams: Was von da an aufbewahrt ist, wird nachgesendet. Leer: ab jetzt.",
	},
	"Several events": {de: "Mehrere Ereignisse"},
	"In place of the one above: names, and patterns in which * stands for any part of a name.": {
		de: "Anstelle des obigen: Namen, und Muster, in denen * für einen beliebigen Teil eines Namens steht.",
	},
	"Events by their data": {de: "Ereignisse nach ihren Daten"},
	"Which events are for the webhook, by their data, as JSON; empty for all. What is left out is never sent.": {
		de: "Welche Ereignisse für den Webhook sind, nach ihren Daten, als JSON; leer für alle. Was ausgelassen wird, wird nie gesendet.",
	},
	"Make a second webhook for the same app, event and URL": {de: "Einen zweiten Webhook für dieselbe App, dasselbe Ereignis und dieselbe URL anlegen"},
	"Webhook %s sends these events to this URL already. Nothing was made. Check the box if you want each event twice.": {
		de: "Webhook %s sendet diese Ereignisse bereits an diese URL. Es wurde nichts angelegt. Setzen Sie den Haken, wenn Sie jedes Ereignis zweimal möchten.",
	},
	"The webhook is made. Events %s go to its URL from now on.": {de: "Der Webhook ist angelegt. Ereignisse %s gehen ab jetzt an seine URL."},

	// Before something is lost.
	"Activate without a replay?":            {de: "Ohne Nachsenden aktivieren?"},
	"Activate webhook %s without a replay?": {de: "Webhook %s ohne Nachsenden aktivieren?"},
	"%d events are kept for a replay. Without it they are dropped for good.": {
		one: "%d event is kept for a replay. Without it it is dropped for good.",
		de:  "%d Ereignisse sind zum Nachsenden aufbewahrt. Ohne Nachsenden gehen sie endgültig verloren.", eins: "%d Ereignis ist zum Nachsenden aufbewahrt. Ohne Nachsenden geht es endgültig verloren.",
	},
	"Activate and replay":  {de: "Aktivieren und nachsenden"},
	"Activate and drop %d": {de: "Aktivieren und %d verwerfen"},
	"Change nothing":       {de: "Nichts ändern"},
	"Delete the webhook?":  {de: "Den Webhook löschen?"},
	"Delete webhook %s?":   {de: "Webhook %s löschen?"},
	"It sends <strong>%s</strong> for <strong>%s</strong> to %s.": {de: "Er sendet <strong>%s</strong> für <strong>%s</strong> an %s."},
	"%d events are kept for its replay and will not be sent.": {
		one: "%d event is kept for its replay and will not be sent.",
		de:  "%d Ereignisse sind zum Nachsenden aufbewahrt und werden nicht gesendet.", eins: "%d Ereignis ist zum Nachsenden aufbewahrt und wird nicht gesendet.",
	},
	"%d events wait for it and will not be sent.": {
		one: "%d event waits for it and will not be sent.",
		de:  "%d Ereignisse warten auf ihn und werden nicht gesendet.", eins: "%d Ereignis wartet auf ihn und wird nicht gesendet.",
	},
	"No event waits for it.": {de: "Kein Ereignis wartet auf ihn."},
	"This cannot be undone.": {de: "Das lässt sich nicht rückgängig machen."},
	"Keep it":                {de: "Behalten"},
	"Webhook %s is deleted, with its backlog and its log.": {de: "Webhook %s ist gelöscht, samt Rückstand und Protokoll."},

	// What came of a form.
	"The webhook is active.":                               {de: "Der Webhook ist aktiv."},
	"The webhook was active already. Nothing was changed.": {de: "Der Webhook war schon aktiv. Es wurde nichts geändert."},
	"The webhook is active, and the events that were kept are being sent.": {
		de: "Der Webhook ist aktiv, und die aufbewahrten Ereignisse werden gesendet.",
	},
	"The webhook is active. The events that were kept are dropped, and new ones are sent.": {
		de: "Der Webhook ist aktiv. Die aufbewahrten Ereignisse sind verworfen, neue werden gesendet.",
	},
	"The webhook is paused. Its events are kept for a replay.":        {de: "Der Webhook ist angehalten. Seine Ereignisse werden zum Nachsenden aufbewahrt."},
	"The webhook will be paused as soon as its backlog is looked at.": {de: "Der Webhook wird angehalten, sobald sein Rückstand an die Reihe kommt."},
	"The webhook is changed.":                                         {de: "Der Webhook ist geändert."},
	"The webhook is changed. %d events that wait for it go to the new URL.": {
		one: "The webhook is changed. %d event that waits for it goes to the new URL.",
		de:  "Der Webhook ist geändert. %d wartende Ereignisse gehen an die neue URL.", eins: "Der Webhook ist geändert. %d wartendes Ereignis geht an die neue URL.",
	},
	"The secret was rotated a short time ago, and the one before signs until %s. Another rotation ends that at once. Nothing was changed: check the box if that is what you want.": {
		de: "Das Secret wurde erst vor Kurzem erneuert, und das vorherige unterschreibt noch bis %s. Eine weitere Erneuerung beendet das sofort. Es wurde nichts geändert. Setzen Sie den Haken, wenn Sie das möchten.",
	},
	"The webhook has a new secret. Until %s deliveries are signed with the old one too.": {
		de: "Der Webhook hat ein neues Secret. Bis %s werden Zustellungen auch mit dem alten unterschrieben.",
	},
	"The URL took the test event with %s in %s.": {de: "Die URL hat das Testereignis mit %s in %s angenommen."},
	"The URL did not take the test event:":       {de: "Die URL hat das Testereignis nicht angenommen:"},
	"A connection was made in %s. Nothing was sent, so that this does not say whether the URL takes events: a test event does.": {
		de: "Die Verbindung kam in %s zustande. Gesendet wurde nichts. Ob die URL Ereignisse annimmt, zeigt erst ein Testereignis.",
	},
	"A connection was made in %s. Nothing was sent.":     {de: "Die Verbindung kam in %s zustande. Gesendet wurde nichts."},
	"No connection can be made:":                         {de: "Es kommt keine Verbindung zustande:"},
	"The URL was tested a moment ago. Wait ten seconds.": {de: "Die URL wurde eben erst geprüft. Bitte warten Sie zehn Sekunden."},
	"The test could not be made. Try again.":             {de: "Die Prüfung war nicht möglich. Bitte versuchen Sie es noch einmal."},
	"The event is being sent again. The attempt will be in the log.": {
		de: "Das Ereignis wird noch einmal gesendet. Der Versuch erscheint im Protokoll.",
	},
	"There are no events of that time.": {de: "Aus dieser Zeit gibt es keine Ereignisse."},
	"%d events of that time are being sent again.": {
		one: "The one event of that time is being sent again.",
		de:  "%d Ereignisse aus dieser Zeit werden noch einmal gesendet.", eins: "Das eine Ereignis aus dieser Zeit wird noch einmal gesendet.",
	},
	"That trouble is over.":                      {de: "Diese Störung ist vorbei."},
	"That trouble is over. Nothing was changed.": {de: "Diese Störung ist vorbei. Es wurde nichts geändert."},
	"%d of %d webhooks are active. Then this went wrong:": {
		one: "%d of %d webhooks is active. Then this went wrong:",
		de:  "%d von %d Webhooks sind aktiv. Dann ging dies schief:", eins: "%d von %d Webhooks ist aktiv. Dann ging dies schief:",
	},
	"%d webhooks of %s are active.": {
		one: "%d webhook of %s is active.",
		de:  "%d Webhooks von %s sind aktiv.", eins: "%d Webhook von %s ist aktiv.",
	},
	"%d events are being sent.": {
		one: "%d event is being sent.",
		de:  "%d Ereignisse werden gesendet.", eins: "%d Ereignis wird gesendet.",
	},
	"The two new passwords differ. Nothing was changed.": {de: "Die beiden neuen Passwörter unterscheiden sich. Es wurde nichts geändert."},
	"The account has the new password. All other sessions are ended; its API keys stay.": {
		de: "Das Konto hat das neue Passwort. Alle anderen Sitzungen sind beendet; seine API-Schlüssel bleiben.",
	},
	"The contact is saved.":            {de: "Der Kontakt ist gespeichert."},
	"The key is made.":                 {de: "Der Schlüssel ist angelegt."},
	"The key lets nobody in any more.": {de: "Der Schlüssel öffnet nichts mehr."},

	// Login and errors.
	"Log in": {de: "Anmelden"},
	"Use the name and the password of your account, the same as for the API.": {de: "Mit Name und Passwort Ihres Kontos, denselben wie für die API."},
	"Account or password is wrong.":                                           {de: "Konto oder Passwort ist falsch."},
	"Your session has ended. Nothing was changed. Log in, and you can send your form after all.": {
		de: "Ihre Sitzung ist abgelaufen. Es wurde nichts geändert. Melden Sie sich an, dann können Sie Ihr Formular doch noch absenden.",
	},
	"Send the form":            {de: "Formular absenden"},
	"Send the form after all?": {de: "Das Formular doch noch absenden?"},
	"Your session had ended before it came. Nothing was changed then.": {de: "Ihre Sitzung war abgelaufen, bevor es ankam. Es wurde nichts geändert."},
	"Send it":                    {de: "Absenden"},
	"Leave it":                   {de: "Nicht absenden"},
	"Not found":                  {de: "Nicht gefunden"},
	"Not done":                   {de: "Nicht ausgeführt"},
	"Too much":                   {de: "Zu viel"},
	"Not possible at the moment": {de: "Zurzeit nicht möglich"},
	"That did not work":          {de: "Das hat nicht geklappt"},
	"That did not work, and it is not your fault. The log of Saumer says why.": {
		de: "Das hat nicht geklappt, und es liegt nicht an Ihnen. Im Protokoll von Saumer steht, warum.",
	},
	"There is no such page.": {de: "Diese Seite gibt es nicht."},
	"This form is out of date: somebody has logged in or out in the meantime. Nothing was changed. Go back, load the page again and repeat it.": {
		de: "Dieses Formular ist veraltet: Inzwischen hat sich jemand an- oder abgemeldet. Es wurde nichts geändert. Gehen Sie zurück, laden Sie die Seite neu, und wiederholen Sie es.",
	},
	"This form did not come from this page. Nothing was changed. Load the page again.": {
		de: "Dieses Formular kam nicht von dieser Seite. Es wurde nichts geändert. Bitte laden Sie die Seite neu.",
	},
	"That is too much for a form.": {de: "Das ist zu viel für ein Formular."},
}
