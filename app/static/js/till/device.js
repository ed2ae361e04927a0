// This device: enrolled by a code from the console, then people change over by PIN.
import { get, openSession, post, put, remove } from "./api.js";
import { dialog, field, fill, h } from "./dom.js";
import { t } from "./text.js";
import { soundOn, switchSound, tone } from "./voice.js";

const TOKEN = "kaquan.till.terminal";

export function terminalToken() {
  return localStorage.getItem(TOKEN);
}

export function build(till) {
  const root = h("section", { class: "screen two" });

  async function show() {
    const headers = { "Terminal-Token": terminalToken() ?? "" };
    let seen = null;
    if (terminalToken()) seen = await current(headers);
    fill(root, till.me && settings(), seen ? people(seen) : enrol());
  }

  async function current(headers) {
    const answer = await fetch("/pos/api/terminals/current", { headers, cache: "no-store" }).catch(() => null);
    if (answer?.status === 401) forgetDevice();  // Revoked: the store wants it enrolled again.
    return answer?.ok ? answer.json() : null;
  }

  function enrol() {
    const code = field(t("Code from the console"), { maxlength: 40, autocapitalize: "characters", "data-test": "enrol-code", value: fromAddress() });
    const form = h("form", { class: "panel stack", onsubmit: async (event) => {
      event.preventDefault();
      if (!code.input.value.trim()) return code.error(t("Type or scan something first."));
      try {
        const made = await post("/terminals/enrol", { code: code.input.value.trim() });
        localStorage.setItem(TOKEN, made.terminal_token);
        document.cookie = "till_device=1; path=/pos/; max-age=31536000; samesite=lax";
        history.replaceState(null, "", location.pathname);
        till.toast(t("This device is %(name)s of %(store)s now.", { name: made.terminal.name, store: made.store.name }), "good");
        show();
      } catch (error) {
        code.error(error.detail ?? t("No connection. Try again when the line is back."));
        tone("bad");
      }
    } }, h("h2", {}, t("Make this device one of the store's")), h("p", { class: "note" }, t("A manager opens Tills in the console, adds a device and shows its code. Scan it with this device or type it.")),
    code.box, h("button", { class: "button huge go", "data-test": "enrol" }, t("Enrol this device")), !till.me && h("a", { class: "button quiet wide", href: "/login/?next=/pos/" }, t("Sign in with a password")));
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
    return h("div", { class: "panel stack" }, h("h2", {}, till.me.name || till.me.username), h("p", { class: "note" }, `${till.me.merchant?.name ?? ""} · ${till.me.store?.name ?? ""}`),
      h("label", { class: "switch" }, sound, h("span", {}, t("Say arrivals aloud"))),
      h("button", { class: "button quiet wide", onclick: () => document.documentElement.requestFullscreen?.().catch(() => {}) }, t("Full screen")),
      h("button", { class: "button quiet wide", onclick: choosePin }, t("Set my PIN")),
      h("button", { class: "button quiet wide", "data-test": "lock", onclick: async () => {
        await remove("/pos/session").catch(() => {});
        location.assign(terminalToken() ? "/pos/terminal/" : "/login/?next=/pos/");
      } }, t("Lock the till")), h("a", { class: "button quiet wide", href: "/console/" }, t("To the console")));
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

  return { root, title: t("Device"), show };
}

function fromAddress() {
  return new URLSearchParams(location.hash.slice(1)).get("enrol") ?? "";
}

function forgetDevice() {
  localStorage.removeItem(TOKEN);
  document.cookie = "till_device=; path=/pos/; max-age=0";
}
