package api

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/zap"
)

// Who is ready says which of its settings others overrule; who is not says nothing of its insides.
func TestReadiness(t *testing.T) {
	t.Parallel()
	differs := []string{"--deactivate-after: 1h0m0s here, 24h0m0s is kept"}
	for name, c := range map[string]struct {
		err     error
		differs []string
		status  int
		want    string
	}{
		"ready":                {nil, nil, http.StatusOK, `{"status":"ready"}`},
		"ready, and different": {nil, differs, http.StatusOK, `{"status":"ready","differs":["--deactivate-after: 1h0m0s here, 24h0m0s is kept"]}`},
		"not ready":            {errors.New("the disk /secret is full"), differs, http.StatusServiceUnavailable, `{"status":"not ready: the reason is in the log"}`},
	} {
		h := &readiness{ready: func(context.Context) error { return c.err }, differs: func() []string { return c.differs }, log: zap.NewNop()}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
		if got := w.Body.String(); w.Code != c.status || got != c.want+"\n" {
			t.Errorf("%s: %d %s", name, w.Code, got)
		}
	}
}
