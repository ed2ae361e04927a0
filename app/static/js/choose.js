// Fields that find by typing: a combobox over what the server finds. Without it the server looks up what was typed.
(() => {
  "use strict";
  const WAIT = 150; // Milliseconds after the last key.

  class Finder {
    constructor(place, number) {
      this.place = place;
      this.box = place.querySelector(".find-typed");
      this.said = place.querySelector('[name$="-said"]');
      this.several = place.dataset.several || "";
      this.value = this.several ? null : place.querySelector(`[name="${this.box.name.replace(/-typed$/, "")}"]`);
      this.items = [];
      this.at = -1;
      this.asked = null;
      this.build(`found-${number}`);
      this.listen();
    }

    build(id) {
      this.timer = 0;
      this.asking = false;
      this.list = document.createElement("ul");
      this.list.id = id;
      this.list.className = "find-list";
      this.list.hidden = true;
      this.list.setAttribute("role", "listbox");
      const label = document.querySelector(`label[for="${this.box.id}"]`);
      if (label) this.list.setAttribute("aria-label", label.firstChild.textContent.trim());
      this.note = document.createElement("p");
      this.note.className = "visually-hidden";
      this.note.setAttribute("role", "status");
      this.wipe = document.createElement("button");
      this.wipe.type = "button";
      this.wipe.className = "find-clear";
      this.wipe.textContent = "×";
      this.wipe.setAttribute("aria-label", this.place.dataset.clear);
      for (const [name, value] of Object.entries({
        role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": id,
      })) this.box.setAttribute(name, value);
      this.place.append(this.wipe, this.list, this.note);
      this.place.classList.add("finds-now");
      this.showWipe();
    }

    listen() {
      const { box, list } = this;
      box.addEventListener("input", (event) => {
        this.showWipe();
        if (!this.several) this.value.value = box.value === this.said.value ? this.value.value : "";
        if (!event.isComposing) this.later(); // Pinyin that is still being typed asks nothing.
      });
      box.addEventListener("compositionend", () => this.later());
      box.addEventListener("click", () => { if (list.hidden) this.ask(); });
      box.addEventListener("keydown", (event) => this.key(event));
      box.addEventListener("blur", () => {
        this.takeExact();
        this.close();
      });
      // What is pressed must not take the focus from the box: a blur would close the list before.
      list.addEventListener("mousedown", (event) => event.preventDefault());
      list.addEventListener("click", (event) => {
        const option = event.target.closest("[role=option]");
        if (option) this.choose(Number(option.dataset.at));
      });
      this.wipe.addEventListener("click", () => {
        this.put("", "");
        box.focus();
        this.ask();
      });
    }

    key(event) {
      if (event.isComposing) return;
      const open = !this.list.hidden;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (!open) this.ask();
        else this.go(event.key === "ArrowDown" ? this.at + 1 : this.at - 1);
      } else if (event.key === "Enter" && this.unclear()) {
        event.preventDefault(); // What is meant is still being looked up, or is not there.
      } else if (event.key === "Enter" && open && this.items.length) {
        event.preventDefault(); // The first Enter chooses, the next one sends the form.
        if (this.at >= 0 || this.items.length === 1) this.choose(Math.max(this.at, 0));
        else this.go(0);
      } else if (event.key === "Escape" && open) {
        event.preventDefault();
        event.stopPropagation();
        this.close();
      } else if (event.key === "Escape" && this.box.value) {
        event.stopPropagation();
        this.put("", "");
      } else if (event.key === "Backspace" && this.several && !this.box.value && !event.repeat) {
        const last = this.chips().lastElementChild;
        if (last) last.remove();
      }
    }

    // While it is looked up nothing is chosen of what was found before. A list's address may say what
    // was typed, a form waits until something is chosen.
    unclear() {
      const typed = this.box.value.trim();
      if (this.timer > 0 || this.asking) return true;
      if (!this.list.hidden && this.items.length) return false;
      return this.box.form.method === "post" && typed !== "" && typed !== this.said.value;
    }

    later() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.ask(), WAIT);
    }

    async ask() {
      clearTimeout(this.timer);
      this.timer = 0;
      const typed = this.box.value === this.said.value ? "" : this.box.value.trim();
      if (this.asked) this.asked.abort();
      const asked = new AbortController();
      this.asked = asked;
      this.asking = true;
      try {
        const address = new URL(this.place.dataset.choices, location.href);
        address.searchParams.set("q", typed);
        const answer = await fetch(address, { credentials: "same-origin", signal: asked.signal });
        if (!answer.ok) throw new Error(String(answer.status));
        this.show(await answer.json());
        this.list.dataset.found = typed;
      } catch {
        if (asked === this.asked) this.say(this.place.dataset.failed, []);
      } finally {
        if (asked === this.asked) this.asking = false;
      }
    }

    show({ items, more }) {
      const texts = this.place.dataset;
      if (!items.length) return this.say(texts.nothing, []);
      return this.say(more ? texts.more : texts.found.replace("{n}", String(items.length)), items, more);
    }

    say(sentence, items, more = false) {
      this.items = items;
      this.at = -1;
      this.note.textContent = sentence;
      const rows = items.map((item, at) => this.option(item, at));
      if (more || !items.length) {
        const last = document.createElement("li");
        last.className = "find-note";
        last.setAttribute("role", "presentation");
        last.textContent = sentence;
        rows.push(last);
      }
      this.list.replaceChildren(...rows);
      this.box.removeAttribute("aria-activedescendant");
      const here = document.activeElement === this.box;
      this.list.hidden = !here;
      this.box.setAttribute("aria-expanded", String(here));
      const { bottom } = this.list.getBoundingClientRect();
      if (here && bottom > window.innerHeight) this.list.scrollIntoView({ block: "nearest" });
    }

    option(item, at) {
      const row = document.createElement("li");
      row.id = `${this.list.id}-${at}`;
      row.dataset.at = String(at);
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", "false");
      const name = document.createElement("span");
      name.textContent = item.name;
      row.append(name);
      if (item.about) {
        const about = document.createElement("span");
        about.className = "soft";
        about.textContent = item.about;
        row.append(" ", about);
      }
      return row;
    }

    go(to) {
      if (!this.items.length) return;
      const rows = this.list.querySelectorAll("[role=option]");
      if (this.at >= 0) rows[this.at].setAttribute("aria-selected", "false");
      this.at = (to + this.items.length) % this.items.length;
      rows[this.at].setAttribute("aria-selected", "true");
      rows[this.at].scrollIntoView({ block: "nearest" });
      this.box.setAttribute("aria-activedescendant", rows[this.at].id);
    }

    choose(at) {
      const item = this.items[at];
      if (this.several) {
        this.add(item);
        this.put("", "");
      } else {
        this.put(item.value, item.name);
      }
      this.close();
    }

    put(value, name) {
      clearTimeout(this.timer);
      this.timer = 0;
      this.box.value = name;
      this.said.value = name;
      if (this.value) this.value.value = value;
      const hits = this.place.parentElement.querySelector(".find-hits");
      if (hits && !this.several) hits.remove(); // Something else has been chosen than what was offered.
      this.showWipe();
      this.box.dispatchEvent(new Event("change", { bubbles: true }));
    }

    // A whole name that was typed without choosing is as good as chosen.
    takeExact() {
      const typed = this.box.value.trim();
      if (!typed || typed === this.said.value) return;
      const same = this.items.filter((item) => item.name === typed);
      if (same.length === 1) this.choose(this.items.indexOf(same[0]));
    }

    chips() {
      return this.place.parentElement.querySelector(`[data-chosen="${this.several}"]`);
    }

    add(item) {
      const chips = this.chips();
      const there = [...chips.querySelectorAll("input")].find((one) => one.value === item.value);
      if (there) {
        there.checked = true;
        return;
      }
      const row = document.createElement("li");
      const label = document.createElement("label");
      label.className = "chip";
      const tick = document.createElement("input");
      tick.type = "checkbox";
      tick.name = this.several;
      tick.value = item.value;
      tick.checked = true;
      const name = document.createElement("span");
      name.textContent = item.name;
      label.append(tick, " ", name);
      row.append(label);
      chips.append(row);
    }

    close() {
      this.list.hidden = true;
      this.at = -1;
      this.box.setAttribute("aria-expanded", "false");
      this.box.removeAttribute("aria-activedescendant");
    }

    showWipe() {
      this.wipe.hidden = !this.box.value;
    }
  }

  document.querySelectorAll(".find-one[data-choices]").forEach((place, number) => new Finder(place, number));

  // A chip whose tick is taken away is gone; the focus goes to the next one, or back to the box.
  document.addEventListener("change", (event) => {
    const tick = event.target.closest(".chosen input[type=checkbox]");
    if (!tick || tick.checked) return;
    const row = tick.closest("li");
    const next = row.nextElementSibling || row.previousElementSibling;
    const box = row.closest(".field, form").querySelector(".find-typed");
    row.remove();
    (next ? next.querySelector("input") : box).focus();
  });

  // An address says what was chosen, not how: what was typed stays out of it unless nothing was chosen.
  for (const form of document.querySelectorAll('form[method="get"]')) {
    form.addEventListener("submit", () => {
      for (const place of form.querySelectorAll(".find-one")) {
        const box = place.querySelector(".find-typed");
        const said = place.querySelector('[name$="-said"]');
        const value = place.querySelector(`[name="${box.name.replace(/-typed$/, "")}"]`);
        said.disabled = true;
        box.disabled = !box.value || (box.value === said.value && Boolean(value.value));
        if (!value.value) value.disabled = true;
      }
    });
  }

  // Gone back to, a page is as it was left: what was kept out of the address belongs to it again.
  window.addEventListener("pageshow", () => {
    for (const one of document.querySelectorAll("form.filters :disabled")) one.disabled = false;
  });

  // Long lists of ticks: a box that leaves those that are called like what is typed.
  for (const bar of document.querySelectorAll("[data-narrows]")) {
    const typed = bar.querySelector("input[type=search]");
    const only = bar.querySelector("input[type=checkbox]");
    const count = bar.querySelector("[role=status]");
    const rows = [...document.querySelectorAll(`#${bar.dataset.narrows} .tick`)];
    const show = () => {
      const words = typed.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      let ticked = 0;
      for (const row of rows) {
        const on = row.querySelector("input").checked;
        const name = row.textContent.toLowerCase();
        row.hidden = (only.checked && !on) || !words.every((word) => name.includes(word));
        shown += row.hidden ? 0 : 1;
        ticked += on ? 1 : 0;
      }
      count.textContent = bar.dataset.count.replace("{shown}", String(shown)).replace("{ticked}", String(ticked));
    };
    typed.addEventListener("input", show);
    typed.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
    only.addEventListener("change", show);
    for (const row of rows) row.querySelector("input").addEventListener("change", show);
    bar.hidden = false;
    show();
  }
})();
