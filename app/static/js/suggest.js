// Suggests words while somebody types. Without it the search works all the same.
(() => {
  "use strict";
  const box = document.querySelector("[data-suggest]");
  const list = document.getElementById("suggested");
  if (!box || !list) return;
  let last = "";
  let waiting = 0;

  async function ask() {
    const typed = box.value.trim();
    if (!typed || typed === last) return;
    last = typed;
    const answer = await fetch(`${box.dataset.suggest}?q=${encodeURIComponent(typed)}`);
    if (!answer.ok || last !== typed) return;
    const found = await answer.json();
    list.replaceChildren(...found.items.map((title) => {
      const option = document.createElement("option");
      option.value = title;
      return option;
    }));
  }

  box.addEventListener("input", (event) => {
    if (event.isComposing) return; // Pinyin that is still being typed.
    clearTimeout(waiting);
    waiting = setTimeout(() => { ask().catch(() => { last = ""; }); }, 150);
  });

  // What was searched before stays in this browser; the server never learns whose it was.
  const KEPT = "kaquan.searches";
  const MOST = 8;
  const kept = () => {
    try {
      const found = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
      return Array.isArray(found) ? found.filter((one) => typeof one === "string").slice(0, MOST) : [];
    } catch {
      return [];
    }
  };
  const keep = (words) => {
    try {
      localStorage.setItem(KEPT, JSON.stringify(words));
    } catch {
      // A browser that keeps nothing shows nothing.
    }
  };
  const asked = new URLSearchParams(location.search).get("q")?.trim().slice(0, 40);
  if (asked) keep([asked, ...kept().filter((one) => one !== asked)].slice(0, MOST));
  const recent = document.querySelector("[data-recent]");
  if (!recent || !kept().length) return;
  const end = recent.querySelector("[data-forget]");
  for (const one of kept()) {
    const link = document.createElement("a");
    link.href = `/search?q=${encodeURIComponent(one)}`;
    link.textContent = one;
    end.before(link, " ");
  }
  end.addEventListener("click", () => {
    keep([]);
    recent.hidden = true;
  });
  recent.hidden = false;
})();
