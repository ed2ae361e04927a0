// The consoles work without this; it folds the menu on a phone and adds the totals up afterwards.
(() => {
  "use strict";
  const button = document.querySelector(".menu-button");
  const menu = document.getElementById("menu");
  if (button && menu) {
    document.documentElement.classList.add("folds");
    button.hidden = false;
    const show = (open) => {
      menu.classList.toggle("open", open);
      button.setAttribute("aria-expanded", String(open));
    };
    button.addEventListener("click", () => show(!menu.classList.contains("open")));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") show(false);
    });
  }
  const find = document.getElementById("find");
  const findButton = document.querySelector(".find-button");
  if (find && findButton) {
    document.documentElement.classList.add("finds");
    findButton.hidden = false;
    const box = find.querySelector("[name=q]");
    const show = (open) => {
      find.classList.toggle("open", open);
      findButton.setAttribute("aria-expanded", String(open));
      if (open) box.focus();
    };
    findButton.addEventListener("click", () => show(!find.classList.contains("open")));
    document.addEventListener("keydown", (event) => {
      const typing = event.target.closest("input, select, textarea, [contenteditable]");
      const asked = (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey))
        || (event.key === "/" && !typing && !event.ctrlKey && !event.altKey && !event.metaKey);
      if (asked) {
        event.preventDefault();
        show(true);
        box.select();
      } else if (event.key === "Escape" && event.target === box) {
        show(false);
        box.blur();
      }
    });
  }
  const here = menu && menu.querySelector("[aria-current]");
  if (here && menu.scrollHeight > menu.clientHeight) {
    menu.scrollTop = Math.max(0, here.offsetTop - menu.clientHeight / 2);
  }
  // A period by name and days by date contradict each other: the last one touched holds.
  for (const period of document.querySelectorAll(".period")) {
    const named = period.querySelector("select");
    const days = period.querySelectorAll("input");
    named.addEventListener("change", () => days.forEach((day) => { if (named.value) day.value = ""; }));
    days.forEach((day) => day.addEventListener("change", () => { named.value = ""; }));
  }
  for (const fold of document.querySelectorAll(".fold-filters")) {
    fold.addEventListener("click", () => {
      fold.setAttribute("aria-expanded", String(fold.getAttribute("aria-expanded") !== "true"));
    });
  }
  // Filters that are not used stay out of the address.
  for (const form of document.querySelectorAll("form.filters")) {
    form.addEventListener("submit", () => {
      for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
    });
  }
  // On a phone a list's rows stand as cards (console.css); each value needs its column's name then.
  for (const table of document.querySelectorAll("table.records")) {
    const names = [...table.querySelectorAll("thead th")].map((head) => head.textContent);
    table.setAttribute("role", "table");
    for (const row of table.querySelectorAll("tbody tr")) {
      row.setAttribute("role", "row");
      [...row.cells].forEach((cell, place) => {
        cell.setAttribute("role", "cell");
        cell.dataset.label = names[place];
      });
    }
    table.classList.add("labelled");
  }
  for (const place of document.querySelectorAll("[data-totals]")) {
    fetch(place.dataset.totals, { credentials: "same-origin" })
      .then((answer) => (answer.ok ? answer.text() : Promise.reject(new Error(answer.status))))
      .then((text) => { place.innerHTML = text; })
      .catch(() => {});
  }
  document.addEventListener("click", (event) => {
    for (const open of document.querySelectorAll("details.who[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
  });
})();
