// The big keypad: an amount in yuan, typed as on a calculator, kept as text until it is sent.
import { h } from "./dom.js";
import { readYuan } from "./money.js";
import { t } from "./text.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "00", "0", "."];
const LARGEST = 10_000_000;

/** `fen()` is what stands there; `action` is the tall green key. */
export function keypad(action, { onaction }) {
  const shown = h("output", { class: "amount", "data-test": "amount", "aria-live": "off" });
  let text = "";

  const show = () => {
    shown.replaceChildren(h("small", {}, "¥"), text === "" ? "0.00" : text);
    shown.classList.toggle("empty", text === "");
  };
  const press = (key) => {
    const next = key === "." && text === "" ? "0." : text === "0" && key !== "." ? key : text + key;
    const fen = readYuan(next);
    if (fen !== null && fen < LARGEST && !(next.includes(".") && /\.\d{3}/.test(next))) text = next.replace(/^00+$/, "0");
    show();
  };
  const keys = KEYS.map((key) => h("button", { type: "button", class: "key", "data-key": key, onclick: () => press(key) }, key));
  const back = h("button", { type: "button", class: "key soft", "aria-label": t("Delete one digit"), "data-key": "back", onclick: () => {
    text = text.slice(0, -1);
    show();
  } }, "⌫");
  const clear = h("button", { type: "button", class: "key soft", "data-key": "clear", onclick: () => set("") }, t("Clear"));
  const go = h("button", { type: "button", class: "key go", "data-test": "charge", onclick: onaction }, action);
  const set = (value) => {
    text = value;
    show();
  };
  show();
  const pad = h("div", { class: "pad" }, h("div", { class: "digits" }, keys), h("div", { class: "side" }, back, clear, go));
  /** Digits from a real keyboard, unless a field has them. */
  const typed = (event) => {
    if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey) return;
    if (/^[0-9.]$/.test(event.key)) press(event.key);
    else if (event.key === "Backspace") back.click();
    else if (event.key === "Escape") set("");
  };
  return { shown, pad, fen: () => readYuan(text || "0") ?? 0, clear: () => set(""), typed };
}
