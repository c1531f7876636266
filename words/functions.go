package words

// functions are what the API says of its functions, and how they end.
var functions = map[string]said{
	// The functions of the web service.
	"Makes a webhook. The answer holds its secret, which is not shown again. With from, its member replayed says how many events are sent as a replay, and, where it was to begin earlier, since when events are kept.": {
		de: "Legt einen Webhook an. Die Antwort enthält sein Secret, das nicht noch einmal angezeigt wird. Beginnt er in der Vergangenheit, sagt sie auch, wie viele Ereignisse nachgesendet werden, und seit wann es Ereignisse gibt, falls er früher beginnen sollte.",
	},
	"This makes a real webhook, which gets events from now on.":   {de: "Das legt wirklich einen Webhook an, der ab jetzt Ereignisse bekommt."},
	"Lists the webhooks of the account with their states, by id.": {de: "Listet die Webhooks des Kontos mit ihrem Zustand auf, nach der Nummer."},
	"Activates a webhook that was deactivated.":                   {de: "Aktiviert einen Webhook, der deaktiviert wurde."},
	"This activates the webhook; without a replay, the events that were kept are dropped.": {
		de: "Das aktiviert den Webhook; ohne Nachsenden werden die aufbewahrten Ereignisse verworfen.",
	},
	"Deletes a webhook with its backlog and its log.": {de: "Löscht einen Webhook mit seinem Rückstand und seinem Protokoll."},
	"This deletes the webhook for good.":              {de: "Das löscht den Webhook endgültig."},

	// Their parameters.
	"URL":      {de: "URL"},
	"In order": {de: "Der Reihe nach"},
	"Start":    {de: "Beginn"},
	"Limit":    {de: "Anzahl"},
	"Settings": {de: "Einstellungen"},
	"Your own name for what the webhook belongs to, of at most 200 bytes.": {de: "Ihr eigener Name für das, wozu der Webhook gehört, höchstens 200 Byte."},
	"The event that the webhook gets. REST takes events in its place.": {
		de: "Das Ereignis, das der Webhook erhält. REST nimmt stattdessen events.",
	},
	"Where events are sent, http or https.": {de: "Wohin Ereignisse gesendet werden, http oder https."},
	"Events are sent one at a time, in the order of the stream. An event that is not taken holds up those that follow.": {
		de: "Ereignisse werden einzeln gesendet, in der Reihenfolge des Streams. Ein Ereignis, das nicht angenommen wird, hält die folgenden auf.",
	},
	"How events are sent: ordered, maxInFlight, timeout (such as 5s), headers. What is left out has its default.": {
		de: "Wie Ereignisse gesendet werden: ordered, maxInFlight, timeout (etwa 5s), headers. Was fehlt, hat seinen Standardwert.",
	},
	"Only those of this app; empty for all.":                 {de: "Nur die dieser App; leer für alle."},
	"Only those for this event.":                             {de: "Nur die für dieses Ereignis."},
	"How many are left out before the first; none if empty.": {de: "Wie viele vor dem ersten ausgelassen werden; leer für keinen."},
	"The most that are listed; all if empty.":                {de: "Wie viele höchstens aufgelistet werden; leer für alle."},
	"The number that CreateWebHook returned.":                {de: "Die Nummer, die CreateWebHook zurückgab."},
	"Replay the events that were kept":                       {de: "Die aufbewahrten Ereignisse nachsenden"},
	"Without it, the events that were kept are dropped.":     {de: "Ohne das werden die aufbewahrten Ereignisse verworfen."},

	// What an account may do.
	"Requests to the API a minute.":                  {de: "Anfragen an die API pro Minute."},
	"Events that are published over HTTP a minute.":  {de: "Über HTTP veröffentlichte Ereignisse pro Minute."},
	"Test events and tests of connections a minute.": {de: "Testereignisse und geprüfte Verbindungen pro Minute."},
	"Replays and redeliveries a minute.":             {de: "Nachsendungen pro Minute."},
	"Webhooks that there are.":                       {de: "Vorhandene Webhooks."},
	"Live views of the console that are open.":       {de: "Offene Live-Ansichten der Konsole."},
	"requests":  {de: "Anfragen"},
	"publishes": {de: "Veröffentlichungen"},
	"tests":     {de: "Prüfungen"},
	"replays":   {de: "Nachsendungen"},
	"webhooks":  {de: "Webhooks"},
	"liveViews": {de: "Live-Ansichten"},
	"the account %s has used its %d %s a minute": {de: "das Konto %s hat seine %d %s pro Minute verbraucht"},
	"the account %s has its %d %s open":          {de: "das Konto %s hat seine %d %s schon offen"},
	"the account %s has its %d webhooks: delete one, or ask the operator for more": {
		de: "das Konto %s hat seine %d Webhooks schon: Löschen Sie einen, oder bitten Sie den Betreiber um mehr",
	},
	"%s: try again in %d s": {de: "%s; versuchen Sie es in %d s noch einmal"},
	"too many tries went wrong from this address or for this account": {
		de: "von dieser Adresse oder für dieses Konto gingen zu viele Versuche schief",
	},

	// How they end.
	"success":      {de: "Erfolg"},
	"login failed": {de: "Anmeldung fehlgeschlagen"},
	"the API key's right does not cover this": {de: "das Recht des API-Schlüssels reicht dafür nicht"},
	"the API key's right does not cover this: use one with the right that the message names": {
		de: "das Recht des API-Schlüssels reicht dafür nicht: Nehmen Sie einen mit dem genannten Recht",
	},
	"too much at once: wait as long as Retry-After says": {de: "zu viel auf einmal: Warten Sie so lange, wie Retry-After sagt"},
	"the store of NATS is full, and nothing was changed: ask the operator of the server": {
		de: "der Speicher von NATS ist voll, und es wurde nichts geändert: Fragen Sie den Betreiber des Servers",
	},
	"NATS cannot do this at the moment, and nothing was changed; try again later": {
		de: "NATS kann das zurzeit nicht, und es wurde nichts geändert; versuchen Sie es später noch einmal",
	},
	"webhooks cannot be changed at the moment, and nothing was changed; try again later": {
		de: "Webhooks lassen sich zurzeit nicht ändern, und es wurde nichts geändert; versuchen Sie es später noch einmal",
	},
	"unknown function":                {de: "unbekannte Funktion"},
	"invalid request":                 {de: "ungültige Anfrage"},
	"invalid request: %s":             {de: "ungültige Anfrage: %s"},
	"the request's body is too large": {de: "der Inhalt der Anfrage ist zu groß"},
	"method not allowed":              {de: "Methode nicht erlaubt"},
	"requests from the pages of other origins are refused": {de: "Anfragen von Seiten anderer Herkunft werden abgewiesen"},
	"the record cannot be read, and was not changed: ask the operator of the server": {
		de: "was gespeichert ist, lässt sich nicht lesen und wurde nicht geändert: Fragen Sie den Betreiber des Servers",
	},
	"the record was written by a newer version, and was not changed: ask a node of that version": {
		de: "eine neuere Version hat das geschrieben, und es wurde nicht geändert: Fragen Sie einen Knoten jener Version",
	},
	"the record keeps changing; try again": {de: "der Datensatz ändert sich ständig; versuchen Sie es noch einmal"},
	"it took too long, and may be done or not: look before you try again": {
		de: "es dauerte zu lange und ist vielleicht geschehen: Sehen Sie nach, bevor Sie es noch einmal versuchen",
	},
	"internal error":        {de: "interner Fehler"},
	"missing or invalid id": {de: "fehlende oder ungültige Nummer"},
	"missing or invalid id: use the number that CreateWebHook returned": {
		de: "fehlende oder ungültige Nummer: Nehmen Sie die, die CreateWebHook zurückgab",
	},
	"webhook not found":      {de: "diesen Webhook gibt es nicht"},
	"account not found":      {de: "dieses Konto gibt es nicht"},
	"missing or invalid app": {de: "fehlende oder ungültige App"},
	"missing or invalid app: use 1 to 200 bytes of text without control characters and marks of direction": {
		de: "fehlende oder ungültige App: Nehmen Sie 1 bis 200 Byte Text ohne Steuerzeichen und Richtungszeichen",
	},
	"unknown event": {de: "unbekanntes Ereignis"},
	"unknown event: use one of those that the message names": {de: "unbekanntes Ereignis: Nehmen Sie eines der genannten"},
	"unknown event: use one of %s":                           {de: "unbekanntes Ereignis: Nehmen Sie eines von %s"},
	"invalid url: use an absolute http or https URL of at most 2048 bytes, without user and fragment": {
		de: "ungültige URL: Nehmen Sie eine vollständige URL mit http oder https von höchstens 2048 Byte, ohne Benutzer und Fragment",
	},
	"invalid url: %s":                                   {de: "ungültige URL: %s"},
	"it has %d bytes, at most %d":                       {de: "sie hat %d Byte, höchstens %d sind erlaubt"},
	"it has a space or a control character":             {de: "sie enthält ein Leerzeichen oder ein Steuerzeichen"},
	"it cannot be read as a URL":                        {de: "sie lässt sich nicht als URL lesen"},
	"it does not begin with http:// or https://":        {de: "sie beginnt nicht mit http:// oder https://"},
	"it has no host":                                    {de: "sie hat keinen Host"},
	"its host has a zone, which only one machine knows": {de: "ihr Host hat eine Zone, die nur ein Rechner kennt"},
	"it holds a user or a password":                     {de: "sie enthält einen Benutzer oder ein Passwort"},
	"it has a fragment (#)":                             {de: "sie hat ein Fragment (#)"},
	"its port is not a number from 1 to 65535":          {de: "ihr Port ist keine Zahl von 1 bis 65535"},
	"its path cannot be read":                           {de: "ihr Pfad lässt sich nicht lesen"},
	"its host is no domain name":                        {de: "ihr Host ist kein Domainname"},
	"url not allowed: its host leads to an address that is not public, or that is Saumer's own": {
		de: "URL nicht erlaubt: Ihr Host führt zu einer Adresse, die nicht öffentlich ist oder Saumer selbst gehört",
	},
	"invalid settings":                   {de: "ungültige Einstellungen"},
	"invalid settings: %s":               {de: "ungültige Einstellungen: %s"},
	"attempts in flight are a number":    {de: "gleichzeitige Versuche sind eine Zahl"},
	"the timeout is a number of seconds": {de: "das Zeitlimit ist eine Zahl von Sekunden"},
	`timeout is such as "5s"`:            {de: `timeout ist etwa "5s"`},
	"ordered has one attempt in flight at a time; leave maxInFlight out": {de: "ordered hat immer nur einen Versuch; lassen Sie maxInFlight weg"},
	"maxInFlight is 1 to %d, or 0 for the default":                       {de: "gleichzeitige Versuche sind 1 bis %d, oder 0 für den Standardwert"},
	"timeout is %s to %s, or 0 for the default":                          {de: "das Zeitlimit ist %s bis %s, oder 0 für den Standardwert"},
	"use at most %d headers":                                             {de: "nehmen Sie höchstens %d Header"},
	"invalid filter":                                                     {de: "ungültiger Filter"},
	"invalid filter: %s":                                                 {de: "ungültiger Filter: %s"},
	"it has more than %d conditions":                                     {de: "er hat mehr als %d Bedingungen"},
	"conditions are more than %d deep in one another":                    {de: "Bedingungen sind mehr als %d tief ineinander"},
	"oneOf has more than %d values":                                      {de: "oneOf hat mehr als %d Werte"},
	"min and max of %s are numbers of at most %d bytes":                  {de: "%s: min und max sind Zahlen von höchstens %d Byte"},
	"its pointers and values have more than %d bytes":                    {de: "seine Zeiger und Werte haben mehr als %d Byte"},
	"it is one JSON object":                                              {de: "er ist ein einziges JSON-Objekt"},
	"the data":                                                           {de: "die Daten"},
	"a condition has either all, or any, or a pointer with equals, oneOf, exists, min or max": {
		de: "eine Bedingung hat entweder all oder any oder pointer mit equals, oneOf, exists, min oder max",
	},
	"pointer %q is not a JSON pointer such as /subscriber/id, of at most %d bytes and %d parts": {
		de: "pointer %q ist kein JSON-Zeiger wie /subscriber/id von höchstens %d Byte und %d Teilen",
	},
	"equals and oneOf of %s are texts, numbers, true, false or null, of at most %d bytes each": {
		de: "%s: equals und oneOf sind Texte, Zahlen, true, false oder null von je höchstens %d Byte",
	},
	"start is a number":                          {de: "start ist eine Zahl"},
	"limit is 1 to %d":                           {de: "limit ist 1 bis %d"},
	"the webhook is inactive already":            {de: "der Webhook ist schon deaktiviert"},
	"the webhook is inactive: activate it first": {de: "der Webhook ist deaktiviert: Aktivieren Sie ihn zuerst"},
	"the webhook was changed in the meantime, and nothing was done: read it again": {
		de: "der Webhook wurde inzwischen geändert, und es wurde nichts getan: Laden Sie die Seite neu",
	},
	"the attempt log does not have this attempt, or does not have it any more": {de: "diesen Versuch hat das Protokoll nicht oder nicht mehr"},
	"missing or invalid event: use its id or its stream sequence":              {de: "fehlendes oder ungültiges Ereignis: Nehmen Sie seine Kennung oder Sequenznummer"},
	"the webhook is not for events of this name":                               {de: "der Webhook ist nicht für Ereignisse dieses Namens"},
	"invalid from": {de: "ungültiger Beginn"},
	"invalid from: use a time such as 2026-03-01T12:00:00Z, a sequence of the stream, or now": {
		de: "ungültiger Beginn: Nehmen Sie eine Zeit wie 2026-03-01T12:00:00Z, eine Sequenznummer des Streams oder now",
	},
	"invalid events":                   {de: "ungültige Ereignisse"},
	"invalid events: %s":               {de: "ungültige Ereignisse: %s"},
	"use at most %d names or patterns": {de: "nehmen Sie höchstens %d Namen oder Muster"},
	"%q is neither a name nor a pattern such as optin_* or *":   {de: "%q ist weder ein Name noch ein Muster wie optin_* oder *"},
	"the webhook's filter leaves out the event":                 {de: "der Filter des Webhooks lässt das Ereignis aus"},
	"the event is not kept any more, or never was":              {de: "das Ereignis ist nicht mehr aufbewahrt oder war es nie"},
	"the event is about to be sent in any case":                 {de: "das Ereignis wird ohnehin gleich gesendet"},
	"too many replays are unfinished: wait until they are done": {de: "zu viele Nachsendungen sind noch nicht fertig: Warten Sie, bis sie es sind"},
	"invalid period": {de: "ungültiger Zeitraum"},
	"invalid period: it begins at a time and ends before a later one": {de: "ungültiger Zeitraum: Er beginnt zu einer Zeit und endet vor einer späteren"},
	"the current password is missing or wrong":                        {de: "das bisherige Passwort fehlt oder ist falsch"},
	"invalid password: use 8 to 72 bytes with 5 different characters at least, and neither the account's name nor what everybody tries first, such as 12345678 or a row of keys": {
		de: "ungültiges Passwort: Nehmen Sie 8 bis 72 Byte mit mindestens 5 verschiedenen Zeichen, und weder den Namen des Kontos noch, was jeder zuerst probiert, etwa 12345678 oder eine Tastenreihe",
	},
	"invalid label of a key: use 1 to 100 bytes of text without control characters": {
		de: "ungültige Bezeichnung eines Schlüssels: Nehmen Sie 1 bis 100 Byte Text ohne Steuerzeichen",
	},
	"unknown right: use all, read-only or publish-only": {de: "unbekanntes Recht: Nehmen Sie all, read-only oder publish-only"},
	"invalid end of a key":                              {de: "ungültiges Ende eines Schlüssels"},
	"invalid end of a key: it lies in the future":       {de: "ungültiges Ende eines Schlüssels: Es liegt in der Zukunft"},
	"invalid end of a key: it lies in the future: give a number of days, or none": {
		de: "ungültiges Ende eines Schlüssels: Geben Sie eine Anzahl Tage an oder nichts",
	},
	"unknown time zone: use a name such as Europe/Zurich, or leave it empty for UTC": {
		de: "unbekannte Zeitzone: Nehmen Sie einen Namen wie Europe/Zurich, oder lassen Sie das Feld leer für UTC",
	},
	"unknown language: use en or de": {de: "unbekannte Sprache: Nehmen Sie en oder de"},
	"invalid e-mail address: write it like anna@example.org, or leave it empty": {
		de: "ungültige E-Mail-Adresse: Schreiben Sie sie wie anna@example.org, oder lassen Sie das Feld leer",
	},
	"the account has %d keys, which is the most: revoke one first": {
		de: "das Konto hat %d Schlüssel, mehr gehen nicht: Widerrufen Sie erst einen",
	},
	"the account has no such key": {de: "diesen Schlüssel hat das Konto nicht"},
}
