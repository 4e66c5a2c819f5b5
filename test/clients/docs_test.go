//go:build browser

package clients

import (
	"os"
	"testing"
)

// loaded waits until the page shows its calls.
const loaded = `
  for (let i = 0; !document.querySelector('details.call'); i++) {
    if (i === 200) throw new Error(document.body.innerText);
    await new Promise(done => setTimeout(done, 50));
  }`

func TestThePageShowsEveryCall(t *testing.T) {
	c := browse(t, openSite(t).url+"/docs")
	var page struct {
		Calls, Described, Curls, Unexpanded int
		Elsewhere                           []string
	}
	c.run(&page, loaded+`
	  const doc = await (await fetch('openapi.json')).json();
	  return {
	    calls: document.querySelectorAll('details.call').length,
	    described: Object.values(doc.paths).flatMap(item => Object.values(item)).length,
	    curls: [...document.querySelectorAll('details.call pre')].filter(pre => pre.textContent.startsWith('curl ')).length,
	    unexpanded: document.body.textContent.split('#/components').length - 1 + document.body.textContent.split('[object ').length - 1,
	    elsewhere: performance.getEntriesByType('resource').map(r => r.name).filter(name => !name.startsWith(location.origin + '/')),
	  };`)
	if page.Calls < 13 || page.Calls != page.Described || page.Curls != page.Calls || page.Unexpanded != 0 || len(page.Elsewhere) != 0 {
		t.Errorf("%+v", page)
	}
	if file := os.Getenv("SCREENSHOT"); file != "" {
		c.screenshot(file)
	}
}

func TestThePageIsUsedByKeyboard(t *testing.T) {
	c := browse(t, openSite(t).url+"/docs")
	c.run(nil, loaded)
	c.press("/", "/", 191)
	for _, letter := range "browser elsewhere" {
		c.press(string(letter), string(letter), 0)
	}
	var found struct {
		Focus, Count string
		Shown        []string
	}
	const look = `return {
	  focus: document.activeElement.id || document.activeElement.parentElement.id,
	  count: document.getElementById('count').textContent,
	  shown: [...document.querySelectorAll('details.call')].filter(call => call.offsetParent).map(call => call.id + (call.open ? ' open' : '')),
	};`
	c.run(&found, look)
	if found.Focus != "filter" || len(found.Shown) != 1 || found.Shown[0] != "docs" {
		t.Errorf("filtered: %+v", found)
	}
	for range 10 { // over the links to the call
		c.press("Tab", "", 9)
		if c.run(&found, look); found.Focus == "docs" {
			break
		}
	}
	c.press("Enter", "\r", 13)
	if c.run(&found, look); len(found.Shown) != 1 || found.Shown[0] != "docs open" {
		t.Errorf("opened: %+v", found)
	}
	c.press("Escape", "", 27)
	if c.run(&found, look); len(found.Shown) < 13 {
		t.Errorf("all again: %+v", found)
	}
}

func TestThePageIsDarkWhereThatIsAskedFor(t *testing.T) {
	c := browse(t, openSite(t).url+"/docs#topics")
	shades := map[string]string{}
	for _, scheme := range []string{"light", "dark"} {
		c.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}})
		var shade string
		c.run(&shade, loaded+`return getComputedStyle(document.body).backgroundColor + ' ' + document.getElementById('topics').open;`)
		shades[scheme] = shade
	}
	if shades["light"] != "rgb(251, 251, 250) true" || shades["dark"] != "rgb(20, 23, 26) true" {
		t.Errorf("%v", shades)
	}
}
