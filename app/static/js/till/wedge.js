// A USB or Bluetooth scanner is a keyboard: fast characters, then Enter, wherever the focus is.
const FASTEST_TYPIST = 45;  // Milliseconds between two keys that no person types.
const SHORTEST = 8;

/** Calls `scanned(text)`. What it typed into a field is taken out of it again. */
export function watchWedge(scanned) {
  let letters = "";
  let last = 0;
  let began = null;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const now = event.timeStamp;
    if (now - last > FASTEST_TYPIST) {
      letters = "";
      began = fieldState();
    }
    last = now;
    if (event.key === "Enter") {
      if (letters.length >= SHORTEST) {
        event.preventDefault();
        event.stopPropagation();
        restore(began);
        scanned(letters);
      }
      letters = "";
    } else if (event.key.length === 1) letters += event.key;
  }, true);
}

function fieldState() {
  const focused = document.activeElement;
  return focused instanceof HTMLInputElement ? { focused, value: focused.value } : null;
}

function restore(state) {
  if (!state) return;
  state.focused.value = state.value;
  state.focused.dispatchEvent(new Event("input", { bubbles: true }));
}
