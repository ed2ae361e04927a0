// Links from the text to pages of ours: somebody types a name, chooses, and the link stands in the text.
(() => {
  "use strict";
  const box = document.querySelector("[data-links]");
  const editor = window.contentEditor;
  const frame = document.querySelector(".content-form .editor");
  if (!box || !editor || !frame) return;
  const typed = box.querySelector("input");
  const list = box.querySelector("ul");
  const nothing = box.querySelector("[data-nothing]");
  let waiting = 0;
  let last = null;

  function put(item) {
    const chosen = editor.getSelectionText();
    editor.restoreSelection();
    editor.insertNode({ type: "link", url: item.url, target: "", children: [{ text: chosen || item.title }] });
    editor.focus();
  }

  async function ask() {
    const words = typed.value.trim();
    if (words === last) return;
    last = words;
    const answer = await fetch(`${box.dataset.links}?q=${encodeURIComponent(words)}`, { credentials: "same-origin" });
    if (!answer.ok || last !== words) return;
    const { items } = await answer.json();
    nothing.hidden = items.length > 0;
    list.replaceChildren(...items.map((item) => {
      const line = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button quiet";
      button.textContent = item.title;
      const kind = document.createElement("span");
      kind.className = "soft";
      kind.textContent = item.kind;
      button.append(" ", kind);
      button.addEventListener("click", () => put(item));
      line.append(button);
      return line;
    }));
  }

  typed.addEventListener("input", (event) => {
    if (event.isComposing) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => { ask().catch(() => { last = null; }); }, 200);
  });
  typed.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // It searches; it does not save the form.
    list.querySelector("button")?.click();
  });
  box.addEventListener("toggle", () => { if (box.open) ask().catch(() => { last = null; }); });
  frame.after(box);
  box.hidden = false;
})();
