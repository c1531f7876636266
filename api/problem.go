package api

import (
	"fmt"
	"net/http"
	"slices"
)

// problem is an error on the wire (RFC 9457), with the code of the table.
type problem struct {
	// Type is where the page of reference says what the code means, Title that in a sentence.
	Type  string `json:"type"`
	Title string `json:"title"`
	// Status is that of the answer. Detail says what happened this time.
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   int    `json:"code"`
	// Error has code and detail once more, as they were told before there were problems.
	Error problemError `json:"error"`
}

type problemError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// anchor is where the page of reference has a code: that of a function, or a shared one.
func anchor(f *Function, code int) string {
	if f != nil && slices.ContainsFunc(f.codes, func(c Code) bool { return c.Code == code }) {
		return fmt.Sprintf("%s-%d", f.Name, code)
	}
	return fmt.Sprintf("code-%d", code)
}

// refuse answers with an error.
func (h *shell) refuse(w http.ResponseWriter, f *Function, account string, err error) {
	code, message := h.outcome(f, account, err)
	retryAfter(w, err)
	refusal(w, f, code, message)
}

func refusal(w http.ResponseWriter, f *Function, code Code, message string) {
	if code.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="saumer", charset="UTF-8"`)
	}
	answerAs(w, "application/problem+json", code.Status, problem{
		referencePath + "#" + anchor(f, code.Code), code.Text, code.Status, message, code.Code, problemError{code.Code, message},
	})
}
