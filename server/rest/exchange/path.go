package exchange

import (
	"net/http"
	"path"
	"strings"
)

// CleanRequest removes what some clients put into paths: a slash at the end, and two slashes behind "positions", where
// clients append "/beginning" or "/end" to a path that ends with a slash. Elsewhere two slashes mean that a name is
// missing. It returns false for a path that a mux would clean, and redirect.
func CleanRequest(r *http.Request) (*http.Request, bool) {
	escaped := r.URL.EscapedPath()
	if len(escaped) > 1 && (strings.HasSuffix(escaped, "/") || strings.Contains(escaped, "/positions//")) {
		trimmed, url := *r, *r.URL
		url.Path, url.RawPath = trimPath(url.Path), trimPath(url.RawPath)
		trimmed.URL = &url
		r, escaped = &trimmed, url.EscapedPath()
	}
	return r, strings.HasPrefix(escaped, "/") && path.Clean(escaped) == escaped
}

func trimPath(path string) string {
	return strings.TrimSuffix(strings.Replace(path, "/positions//", "/positions/", 1), "/")
}
