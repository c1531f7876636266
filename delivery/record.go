package delivery

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
)

// appendRecord appends the attempt as the log keeps it: what json.Marshal makes of it, without reflection, in an eighth
// of the time. Its error is that of a time that JSON cannot tell.
func (a *Attempt) appendRecord(b []byte) ([]byte, error) {
	b = strconv.AppendUint(append(b, `{"seq":`...), a.Seq, 10)
	b = appendString(append(b, `,"id":`...), a.ID)
	b = strconv.AppendInt(append(b, `,"attempt":`...), int64(a.Number), 10)
	if !a.Published.IsZero() {
		var err error
		if b, err = a.Published.AppendText(append(b, `,"published":"`...)); err != nil {
			return nil, err
		}
		b = append(b, '"')
	}
	if a.Replay {
		b = append(b, `,"replay":true`...)
	}
	if a.Test {
		b = append(b, `,"test":true`...)
	}
	b, err := a.At.AppendText(append(b, `,"at":"`...))
	if err != nil {
		return nil, err
	}
	b = strconv.AppendInt(append(b, `","duration":`...), int64(a.Duration), 10)
	b = appendString(append(b, `,"outcome":`...), string(a.Outcome))
	if a.Status != 0 {
		b = strconv.AppendInt(append(b, `,"status":`...), int64(a.Status), 10)
	}
	if a.Error != "" {
		b = appendString(append(b, `,"error":`...), a.Error)
	}
	if len(a.Response) > 0 {
		b = base64.StdEncoding.AppendEncode(append(b, `,"response":"`...), a.Response)
		b = append(b, '"')
	}
	if a.RetryAfter != 0 {
		b = strconv.AppendInt(append(b, `,"retry_after":`...), int64(a.RetryAfter), 10)
	}
	return append(b, '}'), nil
}

// appendString appends a JSON string.
func appendString(b []byte, text string) []byte {
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ' || c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			quoted, _ := json.Marshal(text) // a string never fails
			return append(b, quoted...)
		}
	}
	b = append(append(b, '"'), text...)
	return append(b, '"')
}
