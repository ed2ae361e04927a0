// This device: enrolled by a code from the console, then people change over by PIN.
import { openSession, post, put } from "./api.js";
import { camera, inWeChat } from "./camera.js";
import { dialog, field, fill, h } from "./dom.js";
import { t } from "./text.js";
import { chineseVoice, onSound, say, soundOn, soundState, switchSound, tone, unlock } from "./voice.js";

const TOKEN = "kaquan.till.terminal";
const LOCKED = "kaquan.till.locked";

export function isLocked() {
  return localStorage.getItem(LOCKED) !== null;
}

/** Kept on the device: a till that was locked without a line stays so until the server knows. */
export function setLocked(locked) {
  if (locked) localStorage.setItem(LOCKED, "1");
  else localStorage.removeItem(LOCKED);
}

export function terminalToken() {
  return localStorage.getItem(TOKEN);
}

export function build(till) {
  const root = h("section", { class: "screen two" });

  async function show() {
    const headers = { "Terminal-Token": terminalToken() ?? "" };
    let seen = null;
    if (terminalToken()) seen = await current(headers);
    lens?.close();
    lens = null;
    fill(root, till.me && settings(), seen ? people(seen) : enrol());
  }

  let lens = null;

  async function current(headers) {
    const answer = await fetch("/pos/api/terminals/current", { headers, cache: "no-store" }).catch(() => null);
    if (answer?.status === 401) forgetDevice();  // Revoked: the store wants it enrolled again.
    return answer?.ok ? answer.json() : null;
  }

  function enrol() {
    const code = field(t("Code from the console"), { maxlength: 40, autocapitalize: "characters", "data-test": "enrol-code", value: fromAddress() });
    lens = camera((text) => {
      code.input.value = text.split("enrol=").at(-1);
      form.requestSubmit();
    });
    const form = h("form", { class: "panel stack", onsubmit: async (event) => {
      event.preventDefault();
      if (!code.input.value.trim()) return code.error(t("Type or scan something first."));
      try {
        const made = await post("/terminals/enrol", { code: code.input.value.trim() });
        localStorage.setItem(TOKEN, made.terminal_token);
        document.cookie = "till_device=1; path=/pos/; max-age=31536000; samesite=lax";
        history.replaceState(null, "", location.pathname);
        await till.bind?.();
        till.toast(t("This device is %(name)s of %(store)s now.", { name: made.terminal.name, store: made.store.name }), "good");
        show();
      } catch (error) {
        code.error(error.detail ?? t("No connection. Try again when the line is back."));
        tone("bad");
      }
    } }, h("h2", {}, t("Make this device one of the store's")), h("p", { class: "note" }, t("A manager opens Tills in the console, adds a device and shows its code. Scan it with this device or type it.")),
    lens.box, code.box, h("button", { class: "button huge go", "data-test": "enrol" }, t("Enrol this device")), !till.me && h("a", { class: "button quiet wide", href: "/login/?next=/pos/" }, t("Sign in with a password")));
    return form;
  }

  function people(seen) {
    const names = seen.staff.map((person) => h("button", { type: "button", class: "button quiet wide", "data-person": person.username, disabled: !person.has_pin, onclick: () => enterPin(person) },
      h("span", {}, person.name || person.username), !person.has_pin && h("small", {}, t("no PIN yet"))));
    return h("div", { class: "panel stack" }, h("h2", {}, t("Who is at the till?")), h("p", { class: "note" }, `${seen.store.name} · ${seen.terminal.name}`), names,
      h("a", { class: "button quiet wide", href: "/login/?next=/pos/" }, t("Sign in with a password")));
  }

  function enterPin(person) {
    const pin = field(t("PIN"), { type: "password", inputmode: "numeric", maxlength: 6, "data-test": "pin" });
    const form = h("form", { class: "stack", onsubmit: async (event) => {
      event.preventDefault();
      try {
        await openSession();
        await post("/pos/session", { username: person.username, pin: pin.input.value }, { "Terminal-Token": terminalToken() });
        setLocked(false);
        location.assign("/pos/");
      } catch (error) {
        pin.input.value = "";
        pin.error(error.detail ?? t("No connection. Try again when the line is back."));
        tone("bad");
      }
    } }, pin.box, h("button", { class: "button huge go", "data-test": "pin-go" }, t("Take over")));
    dialog(person.name || person.username, form);
    pin.input.focus();
  }

  function settings() {
    const sound = h("input", { type: "checkbox", checked: soundOn(), "data-test": "sound", onchange: () => switchSound(sound.checked) });
    onSound(() => (sound.checked = soundOn()));
    return h("div", { class: "panel stack" }, h("h2", {}, till.me.name || till.me.username), h("p", { class: "note" }, `${till.me.merchant?.name ?? ""} · ${till.me.store?.name ?? ""}`),
      h("label", { class: "switch" }, sound, h("span", {}, t("Say arrivals aloud"))), voice(),
      h("button", { class: "button quiet wide", onclick: () => document.documentElement.requestFullscreen?.().catch(() => {}) }, t("Full screen")),
      h("button", { class: "button quiet wide", onclick: choosePin }, t("Set my PIN")),
      h("button", { class: "button quiet wide", "data-test": "lock", onclick: till.lock }, t("Lock the till")), h("a", { class: "button quiet wide", href: "/console/" }, t("To the console")));
  }

  /** What this device can say, heard for oneself, and what to do when it is not loud enough. */
  function voice() {
    const heard = h("p", { class: "note", role: "status", "data-test": "voice" }, t("Looking for a Chinese voice …"));
    chineseVoice().then((found) => {
      heard.textContent = found ? t("A Chinese voice is on this device.") : noVoice();
      heard.classList.toggle("warned", !found);
    });
    const listen = h("button", { type: "button", class: "button quiet wide", "data-test": "listen", onclick: async () => {
      unlock();
      await new Promise((ready) => setTimeout(ready, 150));
      const said = await say("会员卡收款，到账二十八元五角", "arrival");
      heard.textContent = said === "voice" ? t("You should hear: member card, 28 yuan 50. Too quiet? Turn up the media volume, not the ringing volume; the mute switch and Bluetooth headphones silence it too.")
        : said === "off" ? t("Sound is off. Turn it on above.") : soundState() === "on" ? t("You should hear five rising notes, twice. %(why)s", { why: noVoice() }) : t("This browser gives no sound. Open the till in another browser.");
      heard.classList.toggle("warned", said !== "voice");
    } }, t("Try the sound"));
    return h("div", { class: "stack" }, listen, heard);
  }

  function choosePin() {
    const password = field(t("Password"), { type: "password", maxlength: 200, autocomplete: "current-password" });
    const pin = field(t("New PIN (4 to 6 digits)"), { type: "password", inputmode: "numeric", maxlength: 6, autocomplete: "off" });
    const form = h("form", { class: "stack", onsubmit: async (event) => {
      event.preventDefault();
      try {
        await put("/me/pin", { password: password.input.value, pin: pin.input.value });
        sheet.close();
        till.toast(t("Your PIN is set."), "good");
      } catch (error) {
        pin.error(error.detail ?? t("No connection. Try again when the line is back."));
      }
    } }, password.box, pin.box, h("button", { class: "button wide" }, t("Set my PIN")));
    const sheet = dialog(t("Set my PIN"), form);
  }

  return { root, title: t("Device"), show, hide: () => lens?.close() };
}

function noVoice() {
  return inWeChat ? t("WeChat has no Chinese voice here: chimes and large figures tell of arrivals. Opened in the device's own browser, the till may speak.")
    : t("This device has no Chinese voice: chimes and large figures tell of arrivals. Android: install Chinese under Settings, text-to-speech.");
}

function fromAddress() {
  return new URLSearchParams(location.hash.slice(1)).get("enrol") ?? "";
}

export function forgetDevice() {
  localStorage.removeItem(TOKEN);
  document.cookie = "till_device=; path=/pos/; max-age=0";
}
