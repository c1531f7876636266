package api

import (
	"context"
	"net/http"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"
)

// readyTime bounds the check of what the process depends on.
const readyTime = 5 * time.Second

// healthy answers as long as the process does.
func healthy(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readiness answers 200 if requests can be taken, with the settings of this process that others overrule, else 503. The reason is in the log: it may name what is inside.
type readiness struct {
	ready   func(context.Context) error
	differs func() []string
	log     *zap.Logger
	lines   rate.Sometimes
}

func (h *readiness) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeoutCause(r.Context(), readyTime, overtime{})
	defer cancel()
	if err := h.ready(ctx); err != nil {
		h.lines.Do(func() { h.log.Warn("the process is not ready", zap.Error(err)) })
		answer(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready: the reason is in the log"})
		return
	}
	answer(w, http.StatusOK, struct {
		Status  string   `json:"status"`
		Differs []string `json:"differs,omitempty"`
	}{"ready", h.differs()})
}
