// Building what is on the screen. Texts are always texts, never markup.

/** An element: h("button", {class: "key", onclick: press, "aria-label": "…"}, children…). */
export function h(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled") made[name] = value;
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export function fill(place, ...children) {
  place.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
}

/** A labelled field. `error(text)` shows what is wrong beside it. */
export function field(label, properties = {}) {
  const input = h("input", { autocomplete: "off", ...properties });
  const wrong = h("span", { class: "wrong", role: "alert" });
  const box = h("label", { class: "field" }, h("span", {}, label), input, wrong);
  return {
    box, input,
    error: (text) => {
      wrong.textContent = text ?? "";
      if (text) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
      if (text) input.focus();
    },
  };
}

/** A dialog over everything; resolves when it is closed. */
export function dialog(title, body, { onclose } = {}) {
  const close = () => box.close();
  const box = h("dialog", { class: "sheet" }, h("h2", {}, title), body);
  box.addEventListener("close", () => {
    box.remove();
    onclose?.();
  });
  document.body.append(box);
  box.showModal();
  return { box, close };
}
