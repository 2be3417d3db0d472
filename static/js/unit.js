/* The phone at the instrument: a press counts when it was made, not when the network let it through.

   Without this script every button is an ordinary form. With it, a press gets an id of its own; if the network fails it
   waits in the page's storage (WeChat's browser may have no service worker) with the phone's time and the measured
   difference to the server's, and is sent again until it is answered. The same id twice changes nothing. */
(function () {
  "use strict";
  const page = document.getElementById("unit");
  if (!page) return;
  const place = document.getElementById("unit-queue");
  const KEY = "hub-taps:" + page.dataset.key;
  const OFFSET = "hub-clock";
  let offset = Number(read(OFFSET) || 0);
  let token = null;
  let busy = false;

  function read(key) { try { return localStorage.getItem(key); } catch { return null; } }
  function write(key, value) { try { localStorage.setItem(key, value); return true; } catch { return false; } }
  let memory = [];
  function queue() { try { return JSON.parse(read(KEY) || "[]"); } catch { return memory; } }
  function keep(list) { memory = list; write(KEY, JSON.stringify(list)); }

  function say(text, tone, lines) {
    const p = document.createElement("p");
    p.className = "is-" + (tone || "wait");
    p.textContent = text;
    for (const line of lines || []) {
      p.append(document.createElement("br"), document.createTextNode(line));
    }
    place.replaceChildren(p);
  }

  function newId() {
    if (window.crypto && crypto.randomUUID) return crypto.randomUUID();
    return "t" + Date.now().toString(36) + Math.random().toString(36).slice(2, 12);
  }

  // Our time by the server's clock, half the way there taken off; kept for when there is no connection.
  async function measure() {
    const began = Date.now();
    const answer = await fetch(page.dataset.clock, { cache: "no-store", credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    const told = await answer.json();
    const ended = Date.now();
    offset = Math.round((Date.parse(told.now) - (began + ended) / 2) / 1000);
    write(OFFSET, String(offset));
    token = told.token;
    return told.signed_in;
  }

  async function send(press, late) {
    const body = new URLSearchParams(press.fields);
    body.set("tap_id", press.id);
    if (late) {
      body.set("phone_at", press.at);
      body.set("clock_offset", String(press.offset));
    }
    if (token) body.set("csrf_token", token);
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), 8000);
    try {
      return await fetch(press.url, {
        method: "POST", body, headers: { Accept: "application/json" }, credentials: "same-origin", redirect: "manual", signal: stop.signal,
      });
    } finally { clearTimeout(timer); }
  }

  async function work() {
    if (busy) return;
    const waiting = queue();
    if (!waiting.length) return;
    busy = true;
    try {
      const signedIn = await measure();
      if (!signedIn) { say(page.dataset.signIn, "bad"); return; }
      say(page.dataset.sending);
      while (queue().length) {
        const press = queue()[0];
        const answer = await send(press, true);
        // A redirect is the way to the sign-in page; a server that is ill is asked again later.
        if (answer.type === "opaqueredirect" || answer.status >= 500 || answer.status === 429) throw new Error(String(answer.status));
        const told = await answer.json().catch(() => ({ said: [] }));
        keep(queue().slice(1));
        if (!answer.ok) { say(page.dataset.failed, "bad", told.said || [told.detail || ""]); return; }
      }
      say(page.dataset.sent, "good");
      setTimeout(() => location.reload(), 1200);
    } catch {
      say(page.dataset.queued);
    } finally { busy = false; }
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-tap]");
    if (!form) return;
    event.preventDefault();
    const button = form.querySelector("button");
    if (button.disabled) return;
    button.disabled = true;
    const press = {
      // Not form.action: a field of that name stands in its way.
      id: newId(), url: form.getAttribute("action"), at: new Date().toISOString(), offset,
      fields: Array.from(new FormData(form).entries()),
    };
    say(page.dataset.sending);
    try {
      const answer = await send(press, false);
      if (answer.type === "opaqueredirect" || answer.status >= 500) throw new Error(String(answer.status));
      const told = await answer.json().catch(() => ({}));
      if (answer.ok) { location.reload(); return; }
      say(page.dataset.failed, "bad", told.said || [told.detail || ""]);
      button.disabled = false;
    } catch {
      keep([...queue(), press]);
      say(page.dataset.queued);
      setTimeout(work, 3000);
    }
  }, true);

  measure().then(work, () => { if (queue().length) say(page.dataset.queued); });
  window.addEventListener("online", work);
  setInterval(work, 8000);
})();
