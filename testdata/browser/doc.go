// Package browser tests the reports' pages in a real browser. It is a module of its own: the browser's protocol is no
// business of dekey itself.
//
//	apt-get install -y --no-install-recommends chromium
//	go -C testdata/browser test -count=1 ./...
//
// DEKEY_BROWSER names another browser of the Chromium family. With DEKEY_SCREENSHOTS=FOLDER the pages are written there
// as pictures, for people to look at.
package browser
