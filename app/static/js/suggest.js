// Suggests words while somebody types. Without it the search works all the same.
(() => {
  "use strict";
  const box = document.querySelector("[data-suggest]");
  const list = document.getElementById("suggested");
  if (!box || !list) return;
  let asked = "";
  let waiting = 0;

  async function ask() {
    const typed = box.value.trim();
    if (!typed || typed === asked) return;
    asked = typed;
    const answer = await fetch(`${box.dataset.suggest}?q=${encodeURIComponent(typed)}`);
    if (!answer.ok || asked !== typed) return;
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
    waiting = setTimeout(() => { ask().catch(() => { asked = ""; }); }, 150);
  });
})();
