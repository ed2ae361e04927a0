// The camera's window on a screen, with a photo as the other way.
import { h } from "./dom.js";
import { t } from "./text.js";

/** A box with the camera in it. `found` gets each code once, until another is seen or a pause. */
export function camera(found) {
  const video = h("video", { playsinline: true, muted: true, "aria-label": t("Camera") });
  const note = h("p", { class: "note", role: "status" });
  const photo = h("input", { type: "file", accept: "image/*", class: "visually-hidden", "data-test": "photo", onchange: readPhoto });
  const start = h("button", { type: "button", class: "button wide", "data-test": "camera", onclick: toggle }, t("Scan with the camera"));
  const box = h("div", { class: "camera" }, h("div", { class: "view", hidden: true }, video, h("i", { class: "frame" })),
    h("div", { class: "row" }, start, h("label", { class: "button quiet" }, t("From a photo"), photo)), note);
  let stop = null;
  let last = "";
  let lastAt = 0;

  function seen(text) {
    if (text === last && Date.now() - lastAt < 4000) {
      lastAt = Date.now();
      return;
    }
    last = text;
    lastAt = Date.now();
    found(text);
  }

  async function toggle() {
    if (stop) return close();
    note.textContent = t("Opening the camera …");
    try {
      box.firstChild.hidden = false;
      const { scan } = await import("./scanner.js");
      stop = await scan(video, seen);
      start.textContent = t("Stop the camera");
      note.textContent = t("Hold the code into the frame.");
    } catch {
      close();
      note.textContent = t("The camera cannot be used. Allow it in the browser, take a photo, or type the code.");
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

  function close() {
    stop?.();
    stop = null;
    last = "";
    box.firstChild.hidden = true;
    start.textContent = t("Scan with the camera");
    note.textContent = "";
  }

  return { box, close, toggle };
}
