package words

// troubles are what the packages below tell of attempts, webhooks and events: why something failed, was deactivated, or was
// not delivered.
var troubles = map[string]said{
	// Outcomes of attempts.
	"delivered":   {de: "zugestellt"},
	"gone":        {de: "410 Gone"},
	"redirect":    {de: "Weiterleitung"},
	"status":      {de: "abgelehnt"},
	"unavailable": {de: "nicht verfügbar"},
	"dns":         {de: "Name nicht aufgelöst"},
	"refused":     {de: "keine Verbindung"},
	"tls":         {de: "TLS-Fehler"},
	"timeout":     {de: "Zeit abgelaufen"},
	"broken":      {de: "Verbindung gebrochen"},
	"forbidden":   {de: "Adresse nicht erlaubt"},
	"slow":        {de: "zu langsam"},
	"busy":        {de: "ausgelastet"},
	"aborted":     {de: "abgebrochen"},

	// States of webhooks, kinds of notices, and what callers showed.
	"live":            {de: "aktiv"},
	"lagging":         {de: "im Rückstand"},
	"inactive":        {de: "deaktiviert"},
	"unreadable":      {de: "nicht lesbar"},
	"failing":         {de: "gestört"},
	"deactivated":     {de: "deaktiviert"},
	"recovered":       {de: "wieder da"},
	"exhausted":       {de: "endgültig fehlgeschlagen"},
	"reachable-again": {de: "wieder erreichbar"},
	"lost":            {de: "verloren"},
	"network":         {de: "Netz gestört"},
	"password":        {de: "Passwort"},
	"session":         {de: "Sitzung"},
	"link":            {de: "Link"},
	"process":         {de: "Prozess"},
	"key %s":          {de: "Schlüssel %s"},
	"password of %s":  {de: "Passwort von %s"},
	"session of %s":   {de: "Sitzung von %s"},
	"read-only":       {de: "nur lesen"},
	"publish-only":    {de: "nur veröffentlichen"},

	// Why an attempt failed.
	"the endpoint answered %s":                                          {de: "der Empfänger antwortete mit %s"},
	"the endpoint answered %s; redirects are not followed":              {de: "der Empfänger antwortete mit %s; Weiterleitungen wird nicht gefolgt"},
	"cut off, since Saumer stops":                                       {de: "abgebrochen, weil Saumer anhält"},
	"%s: no complete answer within %s":                                  {de: "%s: keine vollständige Antwort innerhalb von %s"},
	"the address is not allowed":                                        {de: "die Adresse ist nicht erlaubt"},
	"%s: the address is not allowed":                                    {de: "%s: die Adresse ist nicht erlaubt"},
	"%s: there is no such name":                                         {de: "%s: diesen Namen gibt es nicht"},
	"%s: the name cannot be resolved":                                   {de: "%s: der Name lässt sich nicht auflösen"},
	"%s: no connection within %s":                                       {de: "%s: keine Verbindung innerhalb von %s"},
	"%s: no TLS handshake within %s":                                    {de: "%s: kein TLS-Handshake innerhalb von %s"},
	"%s: the connection was refused":                                    {de: "%s: die Verbindung wurde abgelehnt"},
	"%s: there is no way to the host":                                   {de: "%s: zum Host führt kein Weg"},
	"%s: the connection could not be made":                              {de: "%s: die Verbindung kam nicht zustande"},
	"%s: the connection timed out":                                      {de: "%s: die Verbindung brach mit Zeitüberschreitung ab"},
	"%s: the connection broke, or what came back is not HTTP":           {de: "%s: die Verbindung brach ab, oder was zurückkam, ist kein HTTP"},
	"%s: does not speak TLS":                                            {de: "%s: spricht kein TLS"},
	"%s: speaks no version of TLS from 1.2 on":                          {de: "%s: spricht keine TLS-Version ab 1.2"},
	"%s: the connection was closed during the TLS handshake":            {de: "%s: die Verbindung wurde während des TLS-Handshakes geschlossen"},
	"%s: the TLS handshake failed":                                      {de: "%s: der TLS-Handshake ist fehlgeschlagen"},
	"%s: the TLS handshake failed: %s":                                  {de: "%s: der TLS-Handshake ist fehlgeschlagen: %s"},
	"%s: the certificate is for another name":                           {de: "%s: das Zertifikat ist für einen anderen Namen"},
	"%s: the certificate's chain leads to no authority that is trusted": {de: "%s: die Kette des Zertifikats führt zu keiner vertrauten Stelle"},
	"%s: the certificate is not valid yet":                              {de: "%s: das Zertifikat gilt noch nicht"},
	"%s: the certificate has expired":                                   {de: "%s: das Zertifikat ist abgelaufen"},
	"%s: the certificate is not trusted":                                {de: "%s: dem Zertifikat wird nicht vertraut"},
	"%s: the certificate's serial number is negative":                   {de: "%s: die Seriennummer des Zertifikats ist negativ"},
	"%s: the certificate cannot be read":                                {de: "%s: das Zertifikat lässt sich nicht lesen"},

	// Why a notice did not arrive.
	"the mail server does not take mails to this account's address: it will never arrive": {de: "der Mailserver nimmt keine Mails an die Adresse dieses Kontos an"},
	"it did not arrive within %s": {de: "es kam innerhalb von %s nicht an"},
	"send the mail: %s":           {de: "die Mail ließ sich nicht senden: %s"},

	// Why a webhook is not active, or not readable.
	"somebody paused it": {de: "jemand hat ihn angehalten"},
	"of its backlog, %s": {de: "sein Rückstand: %s"},
	"the record was written by a newer version of Saumer": {de: "eine neuere Version von Saumer hat das geschrieben"},
	"the record cannot be read":                           {de: "was gespeichert ist, lässt sich nicht lesen"},
	"the stream of events went back, was made again, or was restored from an older copy": {
		de: "der Stream der Ereignisse ist auf einen früheren Stand zurückgegangen, wurde neu angelegt oder aus einer älteren Kopie wiederhergestellt",
	},

	// Why a webhook got an event, or why not.
	"The event is older than the retention, and nothing is known of it any more.": {
		de: "Das Ereignis ist älter als die Aufbewahrung, und es ist nichts mehr davon bekannt.",
	},
	"There is no such event: it was never published, or it was refused because it is not JSON.": {
		de: "Dieses Ereignis gibt es nicht: Es wurde nie veröffentlicht oder abgewiesen, weil es kein JSON ist.",
	},
	"The stream has no event %q for this webhook.": {de: "Der Stream hat für diesen Webhook kein Ereignis %q."},
	"The event is %s, and the webhook is for %s.":  {de: "Das Ereignis ist %s, und der Webhook ist für %s."},
	"The endpoint took it at %s: it answered %d to attempt %d.": {
		de: "Der Empfänger hat es am %s angenommen: Er antwortete mit %d auf Versuch %d.",
	},
	"%s %d times, last because %s; the next attempt is at %s.": {
		de: "%s, %d-mal, zuletzt weil: %s. Der nächste Versuch ist am %s.",
	},
	"%s %d times, last because %s; the next attempt is due now.": {
		de: "%s, %d-mal, zuletzt weil: %s. Der nächste Versuch steht jetzt an.",
	},
	"The endpoint rejected it":                       {de: "Der Empfänger hat es abgelehnt"},
	"The endpoint takes others, and failed this one": {de: "Der Empfänger nimmt andere an, scheitert aber an diesem"},
	"The endpoint failed it":                         {de: "Der Empfänger ist daran gescheitert"},
	"NATS has lost something, and it is being found out what waits. The event may be sent again.": {
		de: "NATS hat etwas verloren, und es wird ermittelt, was noch wartet. Das Ereignis wird vielleicht noch einmal gesendet.",
	},
	"The retention dropped it while it waited in the backlog.": {de: "Es fiel aus der Aufbewahrung, während es wartete."},
	"The webhook has been inactive since %s, and the event came after the time for which events are kept for a replay.": {
		de: "Der Webhook ist seit dem %s deaktiviert, und das Ereignis kam nach der Zeit, für die Ereignisse zum Nachsenden aufbewahrt werden.",
	},
	"The webhook has been inactive since %s (%s); activating it with a replay sends the event.": {
		de: "Der Webhook ist seit dem %s deaktiviert (%s). Wird er mit Nachsenden aktiviert, wird das Ereignis gesendet.",
	},
	"It waits in the backlog, which is worked off in order of publication%s.": {
		de: "Es wartet im Rückstand, der in der Reihenfolge der Veröffentlichung abgearbeitet wird%s.",
	},
	"It waits in the backlog%s.": {de: "Es wartet im Rückstand%s."},
	"; the endpoint has been failing since %s (%s), and the next attempt is at %s": {
		de: "; der Empfänger ist seit dem %s gestört (%s), und der nächste Versuch ist am %s",
	},
	"It is filtered out by the condition that %s.": {de: "Der Filter lässt es aus, durch die Bedingung: %s."},
	"It is stored, and is about to be delivered: the live path has not come to it.": {
		de: "Es ist gespeichert und wird gleich zugestellt; es war noch nicht an der Reihe.",
	},
	"It was published before the webhook was made (%s). A replay of that time sends it.": {
		de: "Es wurde veröffentlicht, bevor der Webhook angelegt war (%s). Wird jene Zeit nachgesendet, kommt es mit.",
	},
	"Somebody erased the event at %s: it is sent to nobody any more.": {
		de: "Jemand hat das Ereignis am %s gelöscht: Es wird niemandem mehr gesendet.",
	},
	"Somebody erased the event at %s: it is sent to nobody any more. The endpoint had taken it at %s.": {
		de: "Jemand hat das Ereignis am %s gelöscht: Es wird niemandem mehr gesendet. Der Empfänger hatte es am %s angenommen.",
	},
	"It is being delivered.": {de: "Es wird gerade zugestellt."},
	"NATS had lost something, and the event is handed out again: it may be sent once more.": {
		de: "NATS hatte etwas verloren, und das Ereignis wird noch einmal ausgegeben: Vielleicht wird es ein zweites Mal gesendet.",
	},
	"It came while the webhook was inactive, after the time for which events are kept for a replay, and was left out by the activation at %s.": {
		de: "Es kam, während der Webhook deaktiviert war, nach der Zeit, für die Ereignisse zum Nachsenden aufbewahrt werden. Die Aktivierung am %s ließ es aus.",
	},
	"It came while the webhook was inactive, and the activation at %s was without a replay.": {
		de: "Es kam, während der Webhook deaktiviert war, und die Aktivierung am %s war ohne Nachsenden.",
	},
	"It had failed when the webhook was deactivated, and the activation at %s left it out.": {
		de: "Es war fehlgeschlagen, als der Webhook deaktiviert wurde, und die Aktivierung am %s ließ es aus.",
	},
	"Attempt %d failed at %s (%s), and the event does not wait any more: a later attempt was taken that the attempt log does not have (yet), or the backlog has forgotten the event. Redeliver it if the endpoint does not have it.": {
		de: "Versuch %d scheiterte am %s (%s), und das Ereignis wartet nicht mehr: Entweder gelang ein späterer Versuch, den das Protokoll der Versuche (noch) nicht enthält, oder der Rückstand hat das Ereignis vergessen. Senden Sie es noch einmal, wenn es dem Empfänger fehlt.",
	},
	"NATS lost what waited in the backlogs, which was found at %s, and the attempt log does not tell whether the event was taken before. Redeliver it if the endpoint does not have it.": {
		de: "NATS hat verloren, was im Rückstand wartete; das wurde am %s bemerkt. Das Protokoll der Versuche sagt nicht, ob das Ereignis vorher angenommen wurde. Senden Sie es noch einmal, wenn es dem Empfänger fehlt.",
	},
	"It was delivered or exhausted, or it waited when the webhook was deactivated and was left out by the activation at %s. The attempt log does not go back that far.": {
		de: "Es wurde zugestellt oder ist endgültig fehlgeschlagen, oder es wartete, als der Webhook deaktiviert wurde, und die Aktivierung am %s ließ es aus. So weit reicht das Protokoll der Versuche nicht zurück.",
	},
	"It is exhausted: attempt %d, the last one, failed at %s (%s). Redeliver it when the endpoint takes it.": {
		de: "Es ist endgültig fehlgeschlagen: Versuch %d, der letzte, scheiterte am %s (%s). Senden Sie es noch einmal, wenn der Empfänger es annimmt.",
	},
	"It was delivered, or it is exhausted and a notice said so. The attempt log does not go back that far.": {
		de: "Es wurde zugestellt, oder es ist endgültig fehlgeschlagen, und eine Benachrichtigung hat das gemeldet. So weit reicht das Protokoll der Versuche nicht zurück.",
	},
}
