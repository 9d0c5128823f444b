package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// browser is a Chromium that chromedriver controls by the WebDriver protocol.
type browser struct {
	t       *testing.T
	client  *http.Client
	session string // URL of the session
}

// startBrowser starts a browser that ends with the test.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	needProgram(t, "chromedriver") // it finds the browser
	profile := t.TempDir()         // removed after the browser has ended
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	driver := exec.CommandContext(ctx, "chromedriver", "--port=0")
	out, err := driver.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, driver.Start())
	t.Cleanup(func() {
		cancel()
		_ = driver.Wait()
	})
	port := ""
	for lines := bufio.NewScanner(out); port == "" && lines.Scan(); {
		_, after, _ := strings.Cut(lines.Text(), "successfully on port ")
		port = strings.TrimSuffix(after, ".")
	}
	require.NotEmpty(t, port)
	b := &browser{t: t, client: &http.Client{Transport: &http.Transport{}, Timeout: 2 * time.Minute}, session: "http://127.0.0.1:" + port + "/session"}
	var session struct{ SessionID string }
	b.call("POST", "", object{"capabilities": object{"alwaysMatch": object{
		"goog:loggingPrefs": object{"browser": "ALL"},
		"timeouts":          object{"script": 60_000, "pageLoad": 60_000},
		"goog:chromeOptions": object{"args": []string{
			"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
			"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--no-proxy-server",
			"--user-data-dir=" + profile, "--window-size=1280,900",
		}},
	}}}, &session)
	b.session += "/" + session.SessionID
	t.Cleanup(func() { b.call("DELETE", "", nil, nil) })
	return b
}

// call makes a request of the WebDriver protocol, and decodes its value into out.
func (b *browser) call(method, path string, in, out any) {
	b.t.Helper()
	var body bytes.Buffer
	if in != nil {
		require.NoError(b.t, json.NewEncoder(&body).Encode(in))
	}
	request, err := http.NewRequestWithContext(context.Background(), method, b.session+path, &body)
	require.NoError(b.t, err)
	response, err := b.client.Do(request)
	require.NoError(b.t, err)
	defer response.Body.Close()
	var result struct{ Value json.RawMessage }
	require.NoError(b.t, json.NewDecoder(response.Body).Decode(&result))
	require.Equal(b.t, http.StatusOK, response.StatusCode, "%s %s: %s", path, in, result.Value)
	if out != nil {
		require.NoError(b.t, json.Unmarshal(result.Value, out))
	}
}

func (b *browser) open(url string) { b.call("POST", "/url", object{"url": url}, nil) }

// devtools calls a method of the Chrome DevTools protocol.
func (b *browser) devtools(method string, params, out any) {
	b.t.Helper()
	b.call("POST", "/goog/cdp/execute", object{"cmd": method, "params": params}, out)
}

// evaluate decodes what the body of a JavaScript function returns into out.
func (b *browser) evaluate(script string, out any) {
	b.t.Helper()
	b.call("POST", "/execute/sync", object{"script": script, "args": []any{}}, out)
}

// await waits until a JavaScript expression is true.
func (b *browser) await(expression string) {
	b.t.Helper()
	b.call("POST", "/execute/async", object{"args": []any{}, "script": `const done = arguments[0];
		const check = () => (` + expression + `) ? done(true) : setTimeout(check, 10); check()`}, nil)
}

// element returns the ID of the element of a CSS selector.
func (b *browser) element(selector string) string {
	b.t.Helper()
	var found map[string]string
	b.call("POST", "/element", object{"using": "css selector", "value": selector}, &found)
	for _, id := range found {
		return id
	}
	b.t.Fatal("no element " + selector)
	return ""
}

func (b *browser) click(selector string) {
	b.t.Helper()
	b.call("POST", "/element/"+b.element(selector)+"/click", object{}, nil)
}

// write replaces the text of an input.
func (b *browser) write(selector, text string) {
	b.t.Helper()
	id := b.element(selector)
	b.call("POST", "/element/"+id+"/clear", object{}, nil)
	b.call("POST", "/element/"+id+"/value", object{"text": text}, nil)
}

// show sets the colour scheme, without animations, and the size of the window.
func (b *browser) show(scheme string, width int) {
	b.t.Helper()
	b.devtools("Emulation.setEmulatedMedia", object{"features": []object{
		{"name": "prefers-color-scheme", "value": scheme},
		{"name": "prefers-reduced-motion", "value": "reduce"},
	}}, nil)
	b.devtools("Emulation.setDeviceMetricsOverride", object{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
}

// screenshot writes a picture of the whole page.
func (b *browser) screenshot(file string) {
	b.t.Helper()
	var picture struct{ Data string }
	b.devtools("Page.captureScreenshot", object{"format": "png", "captureBeyondViewport": true}, &picture)
	data, err := base64.StdEncoding.DecodeString(picture.Data)
	require.NoError(b.t, err)
	require.NoError(b.t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(b.t, os.WriteFile(file, data, 0o600))
}

// unnamed returns the controls without a name for a screen reader.
func (b *browser) unnamed() (controls []string) {
	b.t.Helper()
	var tree struct {
		Nodes []struct {
			Ignored    bool
			Role, Name struct{ Value any }
		}
	}
	b.devtools("Accessibility.getFullAXTree", object{}, &tree)
	named := 0
	for _, node := range tree.Nodes {
		role := fmt.Sprint(node.Role.Value)
		switch role {
		case "button", "checkbox", "combobox", "link", "searchbox", "textbox", "DisclosureTriangle", "main", "region":
			if name, _ := node.Name.Value.(string); name != "" {
				named++
			} else if !node.Ignored {
				controls = append(controls, role)
			}
		}
	}
	require.NotZero(b.t, named)
	return controls
}

// faint returns the texts whose contrast with their background is below 4.5.
func (b *browser) faint() (texts []string) {
	b.t.Helper()
	b.evaluate(`
		const rgba = color => { const [r, g, b, a = 1] = color.match(/[\d.]+/g).map(Number); return { r, g, b, a }; };
		const luminance = ({ r, g, b }) => [r, g, b].map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
			.reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
		const background = element => {
			for (let e = element; e; e = e.parentElement) {
				const color = rgba(getComputedStyle(e).backgroundColor);
				if (color.a === 1) return color;
				if (color.a !== 0) return { r: 128, g: 128, b: 128 }; // half transparent: not measured, so not allowed
			}
			return { r: 255, g: 255, b: 255 };
		};
		const found = [];
		let measured = 0;
		const measure = (element, color, text) => {
			const [high, low] = [luminance(rgba(color)), luminance(background(element))].sort((a, b) => b - a);
			const contrast = (high + .05) / (low + .05);
			measured++;
			if (contrast < 4.5) found.push(contrast.toFixed(1) + ' ' + text.trim().slice(0, 40));
		};
		for (const element of document.body.querySelectorAll('*')) {
			if (!element.checkVisibility() || ['SCRIPT', 'OPTION', 'DATALIST'].includes(element.tagName)) continue;
			const text = [...element.childNodes].filter(n => n.nodeType === 3).map(n => n.data).join('').trim();
			if (text) measure(element, getComputedStyle(element).color, text);
			if (element.value) measure(element, getComputedStyle(element).color, element.value);
			if (element.placeholder) measure(element, getComputedStyle(element, '::placeholder').color, element.placeholder);
		}
		return measured > 20 ? found : ['only ' + measured + ' texts'];`, &texts)
	return texts
}

// overflow returns the elements that stick out of the window.
func (b *browser) overflow() (wide []string) {
	b.t.Helper()
	b.evaluate(`
		const width = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= width) return [];
		return [...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > width + 1)
			.map(e => e.tagName + '.' + e.className).concat('the page');`, &wide)
	return wide
}

// overlaps returns the texts in the journal that lie over each other or are cut off.
func (b *browser) overlaps() (texts []string) {
	b.t.Helper()
	b.evaluate(`
		const found = [];
		for (const row of document.querySelectorAll('#entries > li')) {
			const cells = [...row.querySelectorAll('summary > *, form button')].map(e => [e, e.getBoundingClientRect()]);
			for (const [a, p] of cells) {
				if (a.scrollWidth > a.clientWidth + 1 && getComputedStyle(a).display !== 'inline') found.push('cut: ' + a.textContent);
				for (const [b, q] of cells) {
					if (a !== b && p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 1 && q.top < p.bottom - 1) found.push('overlap: ' + a.textContent + ' / ' + b.textContent);
				}
			}
		}
		return found;`, &texts)
	return texts
}

// console returns what the browser reported since the last call.
func (b *browser) console() (messages []string) {
	b.t.Helper()
	var log []struct{ Message string }
	b.call("POST", "/se/log", object{"type": "browser"}, &log)
	for _, entry := range log {
		messages = append(messages, entry.Message)
	}
	return messages
}
