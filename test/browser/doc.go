// Package browser meets the HTTP door as a browser does, a headless Chromium: the page at /docs under its
// strict policy, by keyboard and in the dark, and a stream of records in an EventSource.
//
// With the build tag browser; make test-browser.
package browser
