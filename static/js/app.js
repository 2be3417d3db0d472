/* Small helps on top of pages that work without them. No inline script anywhere: everything hangs on attributes.

   data-focus            takes the focus when the page opens (error summaries)
   data-confirm="text"   asks before a form is sent, where nothing can be undone
   data-submit           a field that sends its form when changed
   data-copy="text"      copies it
   data-refresh="30"     a part with an id and data-href that reloads itself quietly every so many seconds
   data-print            prints the page
   data-local="iso"      shows also the reader's own time where it differs from the zone of the page
*/
(function () {
  "use strict";
  const body = document.body;

  function toast(text) {
    const place = document.getElementById("toast");
    if (!place) return;
    const line = document.createElement("p");
    line.textContent = text;
    place.replaceChildren(line);
    setTimeout(() => { if (line.parentNode === place) place.replaceChildren(); }, 4000);
  }
  window.hub = { toast, token: () => body.dataset.token, localTimes };

  // Menus are details elements: close them by Escape and by a click elsewhere.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    const copied = event.target.closest("[data-copy]");
    if (copied) navigator.clipboard.writeText(copied.dataset.copy).then(() => toast(copied.dataset.copied || "✓"));
    if (event.target.closest("[data-print]")) window.print();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of document.querySelectorAll("details.menu[open]")) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
    }
    if (event.key === "/" && !event.target.closest("input, textarea, select, [contenteditable]")) {
      const field = document.querySelector("input[type=search]");
      if (field) { event.preventDefault(); field.focus(); }
    }
  });

  // A form is sent once; its button says that it is at work. Coming back by the history button frees it again.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented) return;
    if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) { event.preventDefault(); return; }
    if (form.method !== "post" || form.hasAttribute("hx-post")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    const button = event.submitter;
    if (button) setTimeout(() => { button.setAttribute("aria-busy", "true"); }, 300);
  });
  // A page that is gone back to and was fetched anew keeps the marks of its forms: the same sent again is the same.
  const marks = [...document.querySelectorAll('input[name="_once"]')];
  const [way] = performance.getEntriesByType("navigation");
  const before = (history.state || {}).marks || [];
  if (way && way.type === "back_forward" && before.length === marks.length) marks.forEach((mark, n) => { mark.value = before[n]; });
  if (marks.length) history.replaceState({ ...history.state, marks: marks.map((mark) => mark.value) }, "");
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });

  // A table that is wider than its place can be scrolled with the keyboard, too; one that is not is no stop on the way.
  if (window.ResizeObserver) {
    const measured = new ResizeObserver((seen) => {
      for (const { target } of seen) {
        if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
        else target.removeAttribute("tabindex");
      }
    });
    for (const table of document.querySelectorAll(".table-wrap")) measured.observe(table);
  }

  // Where the views do not fit in a line, the one that is open is in sight.
  for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
    const line = tab.closest(".tabs"), at = tab.getBoundingClientRect(), box = line.getBoundingClientRect();
    if (at.right > box.right || at.left < box.left) line.scrollLeft += at.left - box.left - (box.width - at.width) / 2;
  }

  const first = document.querySelector("[data-focus]");
  if (first) first.focus();

  // htmx: forms it sends carry the page's token; its errors are told.
  body.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = body.dataset.token;
  });
  body.addEventListener("htmx:sendError", () => toast(body.dataset.offline));

  // Parts that live: reload quietly, not while hidden, not while somebody types inside.
  function refresh(part) {
    const every = Number(part.dataset.refresh) * 1000;
    if (!every || part.dataset.live) return;
    part.dataset.live = "1";
    setInterval(async () => {
      const now = document.getElementById(part.id);
      if (document.hidden || !now || now.contains(document.activeElement) || now.querySelector("details[open]")) return;
      try {
        const answer = await fetch(part.dataset.href || location.href, { headers: { "HX-Request": "true" } });
        if (!answer.ok) return;
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById(part.id);
        if (fresh) { now.replaceChildren(...fresh.childNodes); localTimes(now); }
      } catch { /* no connection: the next round tries again */ }
    }, every);
  }
  document.querySelectorAll("[data-refresh][id]").forEach(refresh);

  function localTimes(root) {
    const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
    for (const time of root.querySelectorAll("[data-local]")) {
      if (!mine || mine === time.dataset.zone) continue;
      const text = new Date(time.dataset.local).toLocaleString(document.documentElement.lang, { weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
      time.textContent = text + " (" + mine + ")";
      time.hidden = false;
    }
  }
  localTimes(document);
})();
