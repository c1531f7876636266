package words

// mails are what the mails of notices say.
var mails = map[string]said{
	"%s has not taken events since %s": {de: "%s nimmt seit %s keine Ereignisse an"},
	"The webhook to %s is deactivated": {de: "Der Webhook zu %s ist deaktiviert"},
	"%s takes events again":            {de: "%s nimmt wieder Ereignisse an"},
	"%s can be reached again":          {de: "%s ist wieder erreichbar"},
	"%[2]s rejects %[1]d events for good": {
		one: "%[2]s rejects %[1]d event for good",
		de:  "%[2]s lehnt %[1]d Ereignisse endgültig ab", eins: "%[2]s lehnt %[1]d Ereignis endgültig ab",
	},
	"NATS lost %d events that it had stored": {
		one: "NATS lost %d event that it had stored",
		de:  "NATS hat %d gespeicherte Ereignisse verloren", eins: "NATS hat %d gespeichertes Ereignis verloren",
	},
	"The network of Saumer seems to be down": {de: "Das Netz von Saumer scheint gestört"},
	"Our own network seems to be down since %s: hosts that answered until then fail all at once, and none answers.": {
		de: "Unser eigenes Netz scheint seit %s gestört: Hosts, die bis dahin antworteten, sind auf einmal nicht erreichbar, und keiner antwortet.",
	},
	"The events wait. No webhook is deactivated for it, and nobody else is told. Look at the network of the machines that Saumer runs on.": {
		de: "Die Ereignisse warten. Kein Webhook wird deswegen deaktiviert, und niemand sonst erfährt es. Bitte das Netz der Rechner prüfen, auf denen Saumer läuft.",
	},
	"News of a webhook":                              {de: "Neues von einem Webhook"},
	"See what happened":                              {de: "Ansehen"},
	"See what happened, and activate":                {de: "Ansehen und aktivieren"},
	"%d events wait for it.":                         {one: "%d event waits for it.", de: "%d Ereignisse warten auf ihn.", eins: "%d Ereignis wartet auf ihn."},
	"The link needs no password. It works until %s.": {de: "Der Link braucht kein Passwort. Er gilt bis %s."},
	"Webhook %s (%s) has been failing since %s.":     {de: "Die Zustellung an Webhook %s (%s) misslingt seit %s."},
	"No event is lost: the events wait, and they are sent again with growing pauses.": {
		de: "Kein Ereignis geht verloren: Die Ereignisse warten und werden in wachsenden Abständen erneut gesendet.",
	},
	"If the receiver keeps failing, the webhook will be deactivated on %s.": {
		de: "Nimmt der Empfänger weiterhin nichts an, wird der Webhook am %s deaktiviert.",
	},
	"If the receiver works again by itself, there is nothing to do.": {de: "Arbeitet der Empfänger von selbst wieder, ist nichts zu tun."},
	"Webhook %s (%s) was deactivated on %s: %s.":                     {de: "Webhook %s (%s) wurde am %s deaktiviert: %s."},
	"It gets no events until somebody activates it.":                 {de: "Er bekommt keine Ereignisse, bis ihn jemand wieder aktiviert."},
	"What is published until %s is kept too.":                        {de: "Was bis %s veröffentlicht wird, wird ebenfalls aufbewahrt."},
	"When the receiver works again, follow the link. There you see what happened, test the receiver, and activate the webhook, which sends the events that were kept.": {
		de: "Wenn der Empfänger wieder arbeitet, folgen Sie dem Link. Dort sehen Sie, was geschehen ist, prüfen den Empfänger und aktivieren den Webhook; die aufbewahrten Ereignisse werden dann gesendet.",
	},
	"Webhook %s (%s) took an event on %s, for the first time since %s.": {
		de: "Webhook %s (%s) hat am %s ein Ereignis angenommen, zum ersten Mal seit %s.",
	},
	"The events that waited for it are being sent. There is nothing to do.": {
		de: "Die Ereignisse, die auf ihn gewartet haben, werden jetzt gesendet. Es ist nichts zu tun.",
	},
	"Webhook %[2]s (%[3]s) takes other events, but %[1]d events failed to the last attempt. They are not sent any more.": {
		one:  "Webhook %[2]s (%[3]s) takes other events, but %[1]d event failed to the last attempt. It is not sent any more.",
		de:   "Webhook %[2]s (%[3]s) nimmt andere Ereignisse an, hat aber %[1]d Ereignisse bis zum letzten Versuch abgelehnt. Sie werden nicht mehr gesendet.",
		eins: "Webhook %[2]s (%[3]s) nimmt andere Ereignisse an, hat aber %[1]d Ereignis bis zum letzten Versuch abgelehnt. Es wird nicht mehr gesendet.",
	},
	"The last answer, after %d attempts: %s.": {
		one: "The last answer, after %d attempt: %s.",
		de:  "Die letzte Antwort, nach %d Versuchen: %s.", eins: "Die letzte Antwort, nach %d Versuch: %s.",
	},
	"%d events are kept, and you can send them again by hand. Their sequences in the stream: %s": {
		one:  "%d event is kept, and you can send it again by hand. Its sequence in the stream: %s",
		de:   "%d Ereignisse sind aufbewahrt, und Sie können sie von Hand noch einmal senden. Ihre Sequenznummern im Stream: %s",
		eins: "%d Ereignis ist aufbewahrt, und Sie können es von Hand noch einmal senden. Seine Sequenznummer im Stream: %s",
	},
	"The host of webhook %s (%s), which was deactivated, accepts connections again.": {
		de: "Der Host des deaktivierten Webhooks %s (%s) nimmt wieder Verbindungen an.",
	},
	"Follow the link to test the receiver, and to activate the webhook, which sends the events that were kept.": {
		de: "Folgen Sie dem Link, um den Empfänger zu prüfen und den Webhook zu aktivieren; die aufbewahrten Ereignisse werden dann gesendet.",
	},
	"Those that had been delivered before are delivered. Webhooks that had to wait for them do not get them.": {
		de: "Was davon schon zugestellt war, ist zugestellt. Webhooks, die darauf warten mussten, bekommen sie nicht.",
	},
	"If the publishers have them, they can publish them again: with the same key, receivers know what comes twice.": {
		de: "Wer sie veröffentlicht hat, kann sie noch einmal veröffentlichen: Mit demselben Schlüssel erkennen die Empfänger, was doppelt kommt.",
	},
	// A mail about several webhooks.
	"Webhook %s (%s)":                               {de: "Webhook %s (%s)"},
	"%d events wait":                                {one: "%d event waits", de: "%d Ereignisse warten", eins: "%d Ereignis wartet"},
	"%d events wait for them.":                      {one: "%d event waits for them.", de: "%d Ereignisse warten auf sie.", eins: "%d Ereignis wartet auf sie."},
	"%s does not take events: %d webhooks":          {de: "%s nimmt keine Ereignisse an: %d Webhooks"},
	"%d webhooks to %s are deactivated":             {de: "%d Webhooks zu %s sind deaktiviert"},
	"%s takes events again: %d webhooks":            {de: "%s nimmt wieder Ereignisse an: %d Webhooks"},
	"%s rejects events of %d webhooks for good":     {de: "%s lehnt Ereignisse von %d Webhooks endgültig ab"},
	"%s can be reached again: %d webhooks":          {de: "%s ist wieder erreichbar: %d Webhooks"},
	"News of %d webhooks":                           {de: "Neues von %d Webhooks"},
	"%d webhooks to %s have been failing since %s.": {de: "Die Zustellung an %d Webhooks zu %s misslingt seit %s."},
	"%d webhooks to %s were deactivated. They get no events until somebody activates them.": {
		de: "%d Webhooks zu %s wurden deaktiviert. Sie bekommen keine Ereignisse, bis sie jemand wieder aktiviert.",
	},
	"When the receiver works again, follow the links: they activate the webhooks, which sends the events that were kept. The links need no password.": {
		de: "Wenn der Empfänger wieder arbeitet, folgen Sie den Links: Sie aktivieren die Webhooks, und die aufbewahrten Ereignisse werden gesendet. Die Links brauchen kein Passwort.",
	},
	"%d webhooks to %s take events again. The events that waited for them are being sent. There is nothing to do.": {
		de: "%d Webhooks zu %s nehmen wieder Ereignisse an. Die Ereignisse, die auf sie gewartet haben, werden jetzt gesendet. Es ist nichts zu tun.",
	},
	"%d webhooks to %s take other events, but some failed to the last attempt. They are not sent any more; they are kept, and you can send them again by hand.": {
		de: "%d Webhooks zu %s nehmen andere Ereignisse an, haben aber einige bis zum letzten Versuch abgelehnt. Diese werden nicht mehr gesendet; sie sind aufbewahrt, und Sie können sie von Hand noch einmal senden.",
	},
	"The host of %d deactivated webhooks accepts connections again.": {de: "Der Host von %d deaktivierten Webhooks nimmt wieder Verbindungen an."},
	"Last error": {de: "Letzter Fehler"},
	"Until":      {de: "Bis"},
	"Saumer delivers the events of the account %s. This address is set for the account, or the operator has set it for all accounts.": {
		de: "Saumer stellt die Ereignisse des Kontos %s zu. Diese Adresse ist für das Konto eingestellt, oder der Betreiber hat sie für alle Konten vorgegeben.",
	},
	"This address is set for who operates Saumer.": {de: "Diese Adresse ist für den Betrieb von Saumer eingestellt."},
}
