// The camera's window on a screen, with a photo as the other way; inside WeChat its own scanner.
import { h } from "./dom.js";
import { t } from "./text.js";

const AGAIN = 4000;  // Milliseconds for which a code that stays in the picture is one code.
const NEXT = 1800;

export const inWeChat = /MicroMessenger/i.test(navigator.userAgent);

/** A box with the camera in it. `found` gets each code once, until another is seen or a pause. */
export function camera(found) {
  const video = h("video", { playsinline: true, muted: true, "aria-label": t("Camera") });
  const note = h("p", { class: "note", role: "status" });
  const photo = h("input", { type: "file", accept: "image/*", class: "visually-hidden", "data-test": "photo", onchange: readPhoto });
  let byWeChat = inWeChat;
  const word = h("span", {}, startWord());
  const start = h("button", { type: "button", class: "button wide", "data-test": "camera", onclick: toggle }, word);
  const view = h("div", { class: "view", hidden: true }, video, h("i", { class: "frame" }));
  const box = h("div", { class: "camera" }, view,
    h("div", { class: "row" }, start, h("label", { class: "button quiet" }, t("From a photo"), photo)), note);
  let stop = null;
  let last = "";
  let lastAt = 0;
  let next = null;

  function seen(text) {
    const again = text === last && Date.now() - lastAt < AGAIN;
    last = text;
    lastAt = Date.now();
    if (!again) found(text);
  }

  async function toggle() {
    clearTimeout(next);
    if (stop) return close();
    if (byWeChat) return askWeChat();
    note.textContent = t("Opening the camera …");
    try {
      view.hidden = false;
      const { scan } = await import("./scanner.js");
      stop = await scan(video, seen);
      box.classList.add("open");
      word.textContent = t("Stop the camera");
      note.textContent = t("Hold the code into the frame.");
    } catch {
      close();
      note.textContent = t("The camera cannot be used. Allow it in the browser, take a photo, or type the code.");
    }
    return undefined;
  }

  async function askWeChat() {
    note.textContent = t("Opening WeChat's scanner …");
    try {
      const { scan } = await import("./wechat.js");
      const text = await scan();
      note.textContent = "";
      if (text !== null) found(text);
    } catch {
      byWeChat = false;  // Not verified for this address, or an old WeChat: our own camera.
      word.textContent = startWord();
      note.textContent = t("WeChat's scanner is not to be had here. Use the camera, a photo, or type the code.");
    }
  }

  async function readPhoto() {
    const [file] = photo.files;
    if (!file) return;
    note.textContent = t("Reading the photo …");
    const { readPhoto: read } = await import("./scanner.js");
    const text = await read(file).catch(() => null);
    photo.value = "";
    note.textContent = text === null ? t("No code was found in the photo. Take it closer and in good light.") : "";
    if (text !== null) found(text);
  }

  function startWord() {
    return byWeChat ? t("Scan with WeChat") : t("Scan with the camera");
  }

  function close() {
    clearTimeout(next);
    stop?.();
    stop = null;
    last = "";
    view.hidden = true;
    box.classList.remove("open");
    word.textContent = startWord();
    note.textContent = "";
  }

  /** The next paper, without a touch: our camera looks on anyway, WeChat's has to be opened again. */
  function goOn() {
    if (byWeChat && !stop) next = setTimeout(askWeChat, NEXT);
  }

  return { box, close, toggle, goOn };
}
