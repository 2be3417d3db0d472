/* Choosing a time by dragging, tapping, typing or with the arrow keys. Every page works without this file: pieces of
   the timetable are links, the form has a button that shows the price.

   A form part with data-choose-form holds the chosen time (start_day, start_time, end_day, end_time, unit); the
   timetable with data-choose="form id" shows it. Both speak wall-clock minutes of the host's zone; the server knows
   the zone. What a time would mean is asked of data-quote and put into #quote.
*/
(function () {
  "use strict";
  const DAY = 1440;
  const $ = (root, name) => root.querySelector(`[name="${name}"]`);
  const pad = (n) => String(n).padStart(2, "0");
  const dayNumber = (iso) => Math.round(Date.parse(iso + "T00:00Z") / 864e5);
  const dayText = (n) => new Date(n * 864e5).toISOString().slice(0, 10);
  const clockText = (minute) => `${pad(Math.floor(minute / 60))}:${pad(minute % 60)}`;

  function minuteOf(text) {
    const found = /^(\d{1,2}):(\d\d)/.exec(text || "");
    return found ? Number(found[1]) * 60 + Number(found[2]) : null;
  }

  class Choice {
    constructor(part) {
      this.part = part;
      this.form = part.closest("form");
      this.step = Number(part.dataset.step) || 30;
      this.least = Number(part.dataset.least) || this.step;
      this.quote = document.getElementById("quote");
      this.tables = [...document.querySelectorAll(`[data-timetable][data-choose="${this.form.id}"]`)].map((t) => new Table(t, this));
      const nudge = part.querySelector("[data-nudge]");
      if (nudge) {
        nudge.hidden = false;
        nudge.addEventListener("click", (event) => {
          const button = event.target.closest("button");
          if (!button) return;
          if (button.dataset.by) this.moveBy(Number(button.dataset.by) * this.step);
          else this.lengthenBy(Number(button.dataset.longer) * this.step);
        });
      }
      this.form.addEventListener("input", (event) => { if (event.target.closest("[data-choose-form]")) this.changed(); });
      document.addEventListener("click", (event) => this.taken(event));
      this.draw();
    }

    // ---- the chosen time as [from, to] in minutes since 1970 by the wall clock; null while it is not complete

    get span() {
      const day = $(this.part, "start_day").value, from = minuteOf($(this.part, "start_time").value);
      const to = minuteOf($(this.part, "end_time").value);
      if (!day || from === null || to === null) return null;
      const last = $(this.part, "end_day") && $(this.part, "end_day").value;
      const start = dayNumber(day) * DAY + from;
      let end = dayNumber(last || day) * DAY + to;
      if (!last && end <= start) end += DAY;
      return end > start ? [start, end] : null;
    }

    set(start, end, unit) {
      const first = Math.floor(start / DAY), last = Math.floor(end / DAY);
      $(this.part, "start_day").value = dayText(first);
      $(this.part, "start_time").value = clockText(start - first * DAY);
      $(this.part, "end_time").value = clockText(end - last * DAY);
      const other = $(this.part, "end_day");
      if (other) other.value = last === first || (last === first + 1 && end === last * DAY) ? "" : dayText(last);
      const field = $(this.part, "unit");
      if (field && unit !== undefined) field.value = unit;
      this.changed();
    }

    moveBy(minutes) {
      const span = this.span;
      if (span) this.set(span[0] + minutes, span[1] + minutes);
    }

    lengthenBy(minutes) {
      const span = this.span;
      if (span && span[1] + minutes - span[0] >= this.step) this.set(span[0], span[1] + minutes);
    }

    // A time that was offered: taken at once where its day is on the page, else its link is followed.
    taken(event) {
      const link = event.target.closest("a[data-take]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      const day = link.dataset.startDay;
      if (this.tables.length && !this.tables.some((t) => t.tracks(day).length)) return;
      event.preventDefault();
      const start = dayNumber(day) * DAY + minuteOf(link.dataset.startTime);
      let end = dayNumber(link.dataset.endDay || day) * DAY + minuteOf(link.dataset.endTime);
      if (end <= start) end += DAY;
      this.set(start, end, link.dataset.unit);
      this.focus();
    }

    focus() {
      const drawn = document.querySelector(".tt-choice[tabindex]");
      if (drawn) drawn.focus({ preventScroll: true });
      else if (this.quote) this.quote.closest(".card, section").scrollIntoView({ block: "start" });
    }

    changed() {
      this.draw();
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.ask(), 220);
    }

    draw() { for (const table of this.tables) table.draw(); }

    query() {
      const values = new URLSearchParams();
      for (const field of this.part.querySelectorAll("input[name], select[name]")) {
        if ((field.type === "radio" || field.type === "checkbox") && !field.checked) continue;
        if (field.value) values.append(field.name, field.value);
      }
      return values;
    }

    async ask() {
      if (!this.quote || !this.part.dataset.quote) return;
      if (this.asking) this.asking.abort();
      const asking = this.asking = new AbortController();
      this.quote.setAttribute("aria-busy", "true");
      try {
        const answer = await fetch(`${this.part.dataset.quote}?${this.query()}`, { headers: { "HX-Request": "true" }, signal: asking.signal });
        if (!answer.ok) throw new Error(answer.statusText);
        this.quote.innerHTML = await answer.text();
        this.askWhich();
        window.hub.localTimes(this.quote);
        this.judge();
        this.keep();
      } catch (error) {
        if (error.name === "AbortError") return;
        window.hub.toast(document.body.dataset.offline);
      }
      if (this.asking === asking) this.quote.removeAttribute("aria-busy");
    }

    // A time that a clock change repeats: the server knows, and the form asks which one is meant.
    askWhich() {
      const asked = this.quote.querySelector("template[data-twice]"), place = this.part.querySelector("div[data-twice]");
      const words = (part) => part.textContent.replace(/\s+/g, "");
      if (asked && place && words(asked.content) !== words(place)) place.replaceChildren(asked.content);
    }

    judge() {
      const answer = this.quote && this.quote.querySelector("[data-bookable]");
      const refused = !!(answer && answer.dataset.bookable === "no" && answer.querySelector(".reasons"));
      for (const drawn of document.querySelectorAll(".tt-choice")) drawn.classList.toggle("is-refused", refused);
    }

    // The address follows, so that reloading or sharing the page keeps the choice.
    keep() {
      if (this.form.method === "post") return;
      const address = new URL(location.href);
      for (const name of ["start_day", "start_time", "start_offset", "end_day", "end_time", "end_offset", "unit", "mode", "samples"]) address.searchParams.delete(name);
      for (const [name, value] of this.query()) if (name !== "o") address.searchParams.set(name, value);
      history.replaceState(history.state, "", address);
    }
  }

  class Table {
    constructor(root, choice) {
      this.root = root;
      this.choice = choice;
      this.first = Number(root.dataset.first);
      this.last = Number(root.dataset.last);
      root.classList.add("is-live");
      root.addEventListener("click", (event) => this.clicked(event));
      root.addEventListener("pointerdown", (event) => this.pressed(event));
      root.addEventListener("dragstart", (event) => event.preventDefault());
      root.addEventListener("keydown", (event) => this.key(event));
    }

    get lanes() { return getComputedStyle(this.root.querySelector(".tt-track")).position === "relative"; }

    tracks(day) { return [...this.root.querySelectorAll(`.tt-day[data-day="${day}"] .tt-track`)]; }

    // Minutes since 1970 under the pointer, on the grid of the house.
    at(track, x) {
      const box = track.getBoundingClientRect();
      const into = this.first + ((x - box.left) / box.width) * (this.last - this.first);
      return dayNumber(track.closest(".tt-day").dataset.day) * DAY + Math.max(this.first, Math.min(this.last, into));
    }

    snap(minute, how = Math.round) { return how(minute / this.choice.step) * this.choice.step; }

    length() {
      const now = this.choice.span;
      return now ? now[1] - now[0] : Number(this.choice.part.dataset.length) || this.choice.least;
    }

    // ---- tapping and opening pieces

    clicked(event) {
      const piece = event.target.closest("a.tt-piece");
      if (this.dragged) { event.preventDefault(); this.dragged = false; return; }
      if (!piece || event.ctrlKey || event.metaKey || event.shiftKey) return;
      const cell = piece.closest(".tt-cell");
      if (!("bookable" in cell.dataset)) return;
      event.preventDefault();
      const day = dayNumber(cell.closest(".tt-day").dataset.day) * DAY;
      const begin = day + Number(cell.dataset.begin), until = day + Number(cell.dataset.until);
      const here = event.detail && this.lanes ? this.at(cell.closest(".tt-track"), event.clientX) : begin;
      let start = Math.max(this.snap(here, Math.floor), this.snap(begin, Math.ceil));
      const length = this.length();
      if (start + length > until && until - length >= begin) start = this.snap(until - length, Math.floor);
      this.choice.set(start, start + length, cell.closest(".tt-lane").dataset.unit);
      this.choice.focus();
    }

    // ---- dragging: over free time, the choice itself, its ends, or an own booking

    pressed(event) {
      if (event.button || !this.lanes) return;
      const track = event.target.closest(".tt-track");
      if (!track) return;
      const drawn = event.target.closest(".tt-choice");
      const own = event.target.closest(".tt-cell[data-move]");
      if (!drawn && !own && event.pointerType === "touch") return; // a finger scrolls; it taps to choose
      const grip = event.target.closest(".tt-grip");
      const from = this.at(track, event.clientX);
      let span = this.choice.span;
      let how = drawn ? (grip ? (grip.classList.contains("is-start") ? "start" : "end") : "move") : "new";
      let move = "";
      if (own && !drawn) {
        const day = dayNumber(own.closest(".tt-day").dataset.day) * DAY;
        span = [day + Number(own.dataset.begin), day + Number(own.dataset.until)];
        move = own.dataset.move;
        const box = own.getBoundingClientRect();
        how = event.clientX > box.right - 10 ? "end" : event.clientX < box.left + 10 ? "start" : "move";
        if (new URL(move, location).pathname === location.pathname) move = "";
      }
      const began = { x: event.clientX, y: event.clientY };
      const unit = track.closest(".tt-lane").dataset.unit;
      let moved = false, to = null;
      const follow = (e) => {
        if (!moved && Math.abs(e.clientX - began.x) < 4 && Math.abs(e.clientY - began.y) < 4) return;
        if (!moved) { moved = true; this.root.classList.add("is-dragging"); }
        e.preventDefault();
        const under = document.elementsFromPoint(e.clientX, e.clientY).map((n) => n.closest && n.closest(".tt-track")).find((t) => t && this.root.contains(t)) || track;
        const step = this.choice.step;
        if (how === "new") {
          const here = this.at(track, e.clientX);
          const a = this.snap(Math.min(from, here), Math.floor), b = this.snap(Math.max(from, here), Math.ceil);
          to = [a, Math.max(b, a + step), unit];
        } else if (how === "move") {
          const by = this.snap(this.at(under, e.clientX) - from);
          to = [span[0] + by, span[1] + by, drawn && drawn.classList.contains("is-any") ? undefined : under.closest(".tt-lane").dataset.unit];
        } else if (how === "end") {
          to = [span[0], Math.max(this.snap(this.at(track, e.clientX)), span[0] + step)];
        } else {
          to = [Math.min(this.snap(this.at(track, e.clientX)), span[1] - step), span[1]];
        }
        if (move) this.draw(to); else this.choice.set(...to);
      };
      const end = (e) => {
        document.removeEventListener("pointermove", follow);
        document.removeEventListener("pointerup", end);
        document.removeEventListener("pointercancel", end);
        this.root.classList.remove("is-dragging");
        if (!moved) return;
        this.dragged = true;
        setTimeout(() => { this.dragged = false; }, 0);
        if (e.type === "pointercancel" || !to) { this.draw(); return; }
        if (move) this.carry(move, to, span, own.dataset);
        else this.choice.focus();
      };
      document.addEventListener("pointermove", follow);
      document.addEventListener("pointerup", end);
      document.addEventListener("pointercancel", end);
    }

    // An own booking was dragged on the calendar: its page of change says what that means and asks before it does it.
    carry(address, [start, end], before, { startOffset, endOffset }) {
      const to = new URL(address, location);
      const first = Math.floor(start / DAY), last = Math.floor(end / DAY);
      to.searchParams.set("start_day", dayText(first));
      to.searchParams.set("start_time", clockText(start - first * DAY));
      if (last !== first && end !== last * DAY) to.searchParams.set("end_day", dayText(last));
      to.searchParams.set("end_time", clockText(end - last * DAY));
      if (startOffset && start === before[0]) to.searchParams.set("start_offset", startOffset);
      if (endOffset && end === before[1]) to.searchParams.set("end_offset", endOffset);
      location.assign(to);
    }

    // ---- the arrow keys

    key(event) {
      if (!event.target.closest(".tt-choice") || event.altKey || event.ctrlKey || event.metaKey) return;
      const step = this.choice.step, choice = this.choice;
      const acts = event.shiftKey
        ? { ArrowRight: () => choice.lengthenBy(step), ArrowLeft: () => choice.lengthenBy(-step) }
        : {
            ArrowRight: () => choice.moveBy(step), ArrowLeft: () => choice.moveBy(-step),
            ArrowDown: () => choice.moveBy(DAY), ArrowUp: () => choice.moveBy(-DAY),
            PageDown: () => choice.moveBy(7 * DAY), PageUp: () => choice.moveBy(-7 * DAY),
          };
      if (event.key === "Enter") {
        event.preventDefault();
        choice.form.querySelector(".button.is-primary").focus();
        return;
      }
      if (!acts[event.key]) return;
      event.preventDefault();
      acts[event.key]();
      choice.focus();
    }

    // ---- showing the choice

    draw(other) {
      const focused = document.activeElement && document.activeElement.classList.contains("tt-choice");
      for (const old of this.root.querySelectorAll(".tt-choice")) old.remove();
      for (const cell of this.root.querySelectorAll(".is-chosen")) cell.classList.remove("is-chosen");
      const span = other || this.choice.span;
      if (!span) return;
      const field = $(this.choice.part, "unit");
      const unit = other && other[2] ? other[2] : field ? field.value : "";
      const single = this.root.classList.contains("is-single");
      let first = true;
      for (let day = Math.floor(span[0] / DAY); day * DAY < span[1]; day++) {
        const from = Math.max(span[0] - day * DAY, this.first), to = Math.min(span[1] - day * DAY, this.last);
        if (from >= to) continue;
        for (const track of this.tracks(dayText(day))) {
          const lane = track.closest(".tt-lane").dataset.unit;
          if (unit && lane !== unit && !single) continue;
          if (!this.lanes) { this.mark(track, from, to); continue; }
          track.append(this.drawn(span, day, from, to, !unit && !single, first));
          first = false;
        }
      }
      this.choice.judge();
      if (focused) this.choice.focus();
    }

    mark(track, from, to) {
      for (const cell of track.querySelectorAll(".tt-cell")) {
        if (Number(cell.dataset.begin) < to && Number(cell.dataset.until) > from) cell.classList.add("is-chosen");
      }
    }

    // One piece of the choice in a lane; `main`` is the one that takes the focus.
    drawn(span, day, from, to, any, main) {
      const box = document.createElement("div");
      const whole = this.last - this.first;
      const start = span[0] - Math.floor(span[0] / DAY) * DAY, end = span[1] - Math.floor((span[1] - 1) / DAY) * DAY;
      const text = `${clockText(start)}–${end === DAY ? "24:00" : clockText(end)}`;
      const narrow = (to - from) / whole < 0.16;
      box.className = "tt-choice" + (any ? " is-any" : "") + (narrow ? " is-narrow" : "");
      const label = document.createElement("span");
      label.className = "tt-label";
      label.textContent = any && !main ? "" : text;
      box.style.insetInlineStart = `${(100 * (from - this.first)) / whole}%`;
      box.style.inlineSize = `${(100 * (to - from)) / whole}%`;
      box.append(Object.assign(document.createElement("span"), { className: "tt-grip is-start" }), label, Object.assign(document.createElement("span"), { className: "tt-grip is-end" }));
      if (main) {
        box.tabIndex = 0;
        box.setAttribute("role", "slider");
        box.setAttribute("aria-label", this.choice.part.dataset.chosen || "");
        box.setAttribute("aria-valuemin", 0);
        box.setAttribute("aria-valuemax", DAY);
        box.setAttribute("aria-valuenow", start);
        box.setAttribute("aria-valuetext", `${dayText(day)} ${text}`);
      } else box.setAttribute("aria-hidden", "true");
      return box;
    }
  }

  document.documentElement.classList.add("is-scripted");
  for (const place of document.querySelectorAll("[data-local-zone]")) {
    const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const offset = (name) => new Date().toLocaleString("sv", { timeZone: name });
    if (!mine || offset(mine) === offset(place.dataset.zone)) continue;
    place.textContent = place.dataset.text.replace("{zone}", mine.replace("_", " "));
    place.hidden = false;
  }
  // In a month the arrow keys go from day to day and from week to week.
  for (const month of document.querySelectorAll("[data-month]")) {
    month.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 }[event.key];
      const from = event.target.closest("[data-day]");
      if (!by || !from || event.altKey || event.ctrlKey || event.metaKey) return;
      const to = month.querySelector(`[data-day="${dayText(dayNumber(from.dataset.day) + by)}"]`);
      if (!to) return;
      event.preventDefault();
      to.focus();
    });
  }
  // The order waits for the time to be kept: were that answered after it, it would stand beside it on another unit.
  const hold = document.querySelector("#hold[hx-post]");
  if (hold && window.htmx) {
    const form = hold.closest("form");
    let button = null, patience = 0;
    const early = (event) => {
      event.preventDefault();
      button = event.submitter;
      if (button) button.setAttribute("aria-busy", "true");
      patience = patience || setTimeout(() => window.htmx.trigger(hold, "htmx:abort"), 2000);
    };
    form.addEventListener("submit", early);
    hold.addEventListener("htmx:afterRequest", () => {
      form.removeEventListener("submit", early);
      clearTimeout(patience);
      if (patience) form.requestSubmit(button);
    }, { once: true });
  }
  for (const part of document.querySelectorAll("[data-choose-form]")) {
    const choice = new Choice(part);
    window.addEventListener("resize", () => choice.draw());
  }
})();
