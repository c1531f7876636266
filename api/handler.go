package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/saumer/saumer/record"
	"github.com/saumer/saumer/registry"
)

const (
	// requestTime bounds the work on one request, answerTime that and the writing of its answer.
	requestTime = 30 * time.Second
	answerTime  = time.Minute
	// maxBody bounds every body but that of an event.
	maxBody = 64 << 10
)

// shell is what the web service and REST have in common.
type shell struct {
	service  *Service
	accounts *registry.Accounts
	log      *zap.Logger
	// refused bounds the lines on wrong logins.
	refused rate.Sometimes
}

// Handler serves the web service, REST, what describes it, and the health pages; every other path is answered with an error in JSON.
// Ready says why the process cannot take requests at the moment, or nil; differs which of its settings are not those that hold for all.
func Handler(s *Service, accounts *registry.Accounts, ready func(context.Context) error, differs func() []string, log *zap.Logger) http.Handler {
	h := &shell{service: s, accounts: accounts, log: log, refused: rate.Sometimes{Interval: time.Second}}
	mux := http.NewServeMux()
	mux.HandleFunc(webServicePath+"{function...}", h.webService)
	h.rest(mux)
	h.describe(mux)
	mux.HandleFunc("/healthz", healthy)
	mux.Handle("/readyz", &readiness{ready: ready, differs: differs, log: log, lines: rate.Sometimes{Interval: 10 * time.Second}})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		h.refuse(w, nil, "", fmt.Errorf("%w: nothing is served at this path", errFunction))
	})
	return h.guard(mux)
}

// NewServer makes a server with limits on all that a client may keep it waiting for. The time for an answer is the
// handler's to set.
func NewServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}

// overtime is the cause of a request's end when its time is over.
type overtime struct{}

func (overtime) Error() string        { return "the time for this request is over" }
func (overtime) Timeout() bool        { return true }
func (overtime) Is(target error) bool { return target == context.DeadlineExceeded }

// guard bounds the time of each request and turns a panic into an internal error.
func (h *shell) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p)
			default:
				h.log.Error("a handler panicked", zap.String("path", r.URL.Path), zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
				refusal(w, nil, internal, internal.Text)
			}
		}()
		// A writer that cannot do it, as in tests, has no slow reader either.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTime))
		ctx, cancel := context.WithTimeoutCause(r.Context(), requestTime, overtime{})
		defer cancel()
		ctx, leave := h.service.Attend(ctx)
		defer leave()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// outcome finds the code and the sentence to answer with, and logs what stays inside.
func (h *shell) outcome(f *Function, account string, err error) (Code, string) {
	code, message := f.Code(err)
	switch {
	case errors.Is(err, context.Canceled):
		// The client has left; nobody reads the answer.
	case code.Code == internal.Code, errors.Is(err, record.ErrNewer), errors.Is(err, record.ErrUnreadable):
		h.log.Error("a request failed", zap.String("function", f.name()), zap.String("account", account), zap.Error(err))
	case errors.Is(err, registry.ErrLogin):
		h.refused.Do(func() { h.log.Warn("a login failed", zap.String("function", f.name())) })
	}
	return code, message
}

// read reads a body: errTooLarge if it is longer than limit.
func read(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	return data, bodyError(err)
}

// bodyError says what is wrong with a body that could not be read: errTooLarge or errRequest.
func bodyError(err error) error {
	if err == nil {
		return nil
	}
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fmt.Errorf("%w: send at most %d bytes", errTooLarge, large.Limit)
	}
	return fmt.Errorf("%w: the body did not arrive whole, or is not what Content-Type says", errRequest)
}

// answer writes a body of JSON.
func answer(w http.ResponseWriter, status int, body any) {
	answerAs(w, "application/json", status, body)
}

// answerAs is answer with a media type. That the client does not take the body is the client's affair.
func answerAs(w http.ResponseWriter, kind string, status int, body any) {
	header := w.Header()
	header.Set("Content-Type", kind)
	header.Set("X-Content-Type-Options", "nosniff")
	// Answers hold secrets.
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(body)
}
