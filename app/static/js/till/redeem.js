// Redeeming paper: look, one big button, a result that cannot be mistaken; then the next one.
import { money, post } from "./api.js";
import { camera } from "./camera.js";
import { bare, grouped, isPaymentCode, judge, LENGTH } from "./codes.js";
import { fill, h } from "./dom.js";
import { inYuan, yuan } from "./money.js";
import { dayAndClock, t } from "./text.js";
import { tone } from "./voice.js";

const AT_ONCE = "kaquan.till.redeem_at_once";
const ENTER_AFTER = 1500;

export function build(till) {
  const input = h("input", { class: "code", autocomplete: "off", autocapitalize: "characters", spellcheck: "false", inputmode: "text",
    maxlength: 120, placeholder: "XXXX-XXXX-XXXX-XXXX", "aria-label": t("Voucher code"), "data-test": "code", oninput: typing });
  const wrong = h("p", { class: "wrong", role: "alert", "data-test": "code-error" });
  const result = h("div", { "data-test": "result", "aria-live": "assertive" });
  const done = h("p", { class: "tally", "data-test": "tally" });
  const lens = camera((text) => read(text));
  const mode = h("input", { type: "checkbox", checked: localStorage.getItem(AT_ONCE) === "on", "data-test": "at-once",
    onchange: () => localStorage.setItem(AT_ONCE, mode.checked ? "on" : "off") });
  const root = h("section", { class: "screen redeem" },
    h("div", { class: "panel lens" }, lens.box),
    h("div", { class: "outcome" }, result, done),
    h("div", { class: "panel stack entry" },
      h("form", { class: "stack", onsubmit: submit }, h("div", { class: "row" }, input, h("button", { class: "button", "data-test": "look" }, t("Look up"))), wrong),
      h("label", { class: "switch" }, mode, h("span", {}, t("Redeem at once on scan"))),
      h("p", { class: "note" }, t("A USB or Bluetooth scanner works anywhere on this screen."))));
  let busy = false;
  let typed = { code: "", at: 0 };
  const tally = { count: 0, fen: 0 };
  ready();

  function typing() {
    const code = bare(input.value);
    const atEnd = input.selectionStart === input.value.length;
    if (atEnd && !input.value.includes("/") && code.length <= LENGTH) input.value = grouped(code);
    const verdict = judge(input.value);
    // What stands large is of the paper before: with another code in the field it would be taken for this one's.
    if (["good", "bad", "looked"].includes(root.dataset.state)) ready();
    wrong.textContent = sentence(verdict === "short" ? "" : verdict);
    if (verdict !== "good") return;
    typed = { code, at: Date.now() };
    read(input.value);
  }

  /** A scanner that types into the field is read at its last character; the Enter after it is no second scan. */
  function scanned(text) {
    if (bare(text) === typed.code && Date.now() - typed.at < ENTER_AFTER) return;
    read(text);
  }

  function submit(event) {
    event.preventDefault();
    read(input.value);
  }

  /** A code from the camera, the scanner, a photo or the keys. */
  async function read(text) {
    const verdict = judge(text);
    if (verdict !== "good" && isPaymentCode(text)) return till.go("receive", text);
    input.value = text.includes("/") || verdict === "letter" ? text : grouped(bare(text));
    // Codes of old cards follow other rules; only the server knows them, and what is no code at all.
    if (["short", "check"].includes(verdict)) {
      if (["good", "bad"].includes(root.dataset.state)) ready();
      wrong.textContent = sentence(verdict);
      tone("bad");
      return undefined;
    }
    if (busy) return undefined;
    busy = true;
    wrong.textContent = "";
    try {
      const seen = await post("/vouchers/lookup", { code: text });
      if (!seen.redeemable) refused(seen.reason_text, seen, seen.reason, text);
      else if (mode.checked) await redeem(text, seen);
      else offer(text, seen);
    } catch (error) {
      refused(error.detail ?? t("No connection. Nothing was redeemed. Try again when the line is back."), null, error.code, text);
    } finally {
      busy = false;
    }
    return undefined;
  }

  function facts(seen) {
    return h("dl", { class: "parts" }, h("dt", {}, t("Batch")), h("dd", {}, seen.batch), h("dt", {}, t("Serial number")), h("dd", {}, seen.serial_no),
      h("dt", {}, t("Good until")), h("dd", {}, seen.expires_on ?? t("no end")));
  }

  function offer(text, seen) {
    const go = h("button", { type: "button", class: "button huge go", "data-test": "redeem", onclick: async () => {
      if (busy) return;
      busy = true;
      go.disabled = true;
      await redeem(text, seen);
      busy = false;
    } }, t("Redeem ¥%(amount)s", { amount: yuan(seen.face_value_fen) }));
    put("looked", h("p", { class: "verdict" }, t("Good, not redeemed yet")), h("p", { class: "sum" }, `${inYuan(seen.face_value_fen)}`), facts(seen), go);
    go.focus({ preventScroll: true });
  }

  async function redeem(text, seen) {
    put("waiting", h("p", { class: "verdict" }, t("Redeeming …")), h("p", { class: "sum" }, `${inYuan(seen.face_value_fen)}`));
    try {
      const made = await money("/redemptions", { code: text }, t("Voucher %(serial)s", { serial: seen.serial_no }));
      tally.count += 1;
      tally.fen += made.face_value_fen;
      done.textContent = t("%(count)s redeemed here, ¥%(amount)s", { count: tally.count, amount: yuan(tally.fen) });
      put("good", h("p", { class: "verdict" }, t("✓ Redeemed")), h("p", { class: "sum" }, `${inYuan(made.face_value_fen)}`), facts(seen),
        h("p", { class: "note" }, made.redemption_no), h("p", {}, t("Scan the next voucher.")), next());
      tone("good");
      if (mode.checked) lens.goOn();
    } catch (error) {
      // Signed out before an answer came: whether it was redeemed is not known, so nothing says so.
      if (error.status === undefined) put("waiting", h("p", { class: "verdict" }, t("Not known yet")), h("p", {}, error.message), next());
      else refused(error.detail, { ...seen, redemption: error.redeemed_at ? error : null }, error.code, text);
    }
    input.value = "";
  }

  function refused(reason, seen, code, text) {
    const before = seen?.redemption;
    const elsewhere = t("another store");
    put("bad", h("p", { class: "verdict" }, t("✗ Not accepted")), h("p", { class: "reason" }, reason),
      before?.redeemed_at && h("p", { class: "before", "data-test": "before" }, t("Redeemed %(when)s at %(store)s", { when: dayAndClock(before.redeemed_at), store: before.store ?? elsewhere })),
      seen ? h("p", { class: "sum small" }, `${inYuan(seen.face_value_fen)}`) : null, seen ? facts(seen) : h("p", { class: "note" }, grouped(bare(text))),
      h("p", { class: "todo" }, advice(code)), next());
    tone("bad");
    input.value = "";
  }

  /** For the thumb and the keyboard; a scanner needs none. */
  function next() {
    return h("button", { type: "button", class: "button plain wide", "data-test": "next-voucher", onclick: () => {
      ready();
      input.focus({ preventScroll: true });
    } }, t("Next voucher"));
  }

  function ready() {
    put("ready", h("p", { class: "note" }, t("Scan or type a voucher. Its value and state appear here before anything is redeemed.")));
  }

  /** Accepted is a green screen and refused a red one, whatever else stands on it. */
  function put(kind, ...parts) {
    root.dataset.state = kind;
    till.colour(kind);
    result.className = `result ${kind}`;
    fill(result, parts);
    if (kind !== "ready") result.querySelector("[data-test=next-voucher]")?.focus({ preventScroll: true });
  }

  return {
    root, title: t("Redeem"),
    show: (text) => {
      till.colour(root.dataset.state);
      if (text) read(text);
      else input.focus({ preventScroll: true });
    },
    hide: () => {
      lens.close();
      if (root.dataset.state !== "waiting") ready();
      till.colour("");
    },
    scanned,
  };
}

function sentence(verdict) {
  return {
    letter: t("A code has only digits and capital letters."), short: t("The code has 16 characters; some are missing."),
    long: t("That is more than 16 characters."), check: t("One character is wrong. Compare the code with the paper."),
  }[verdict] ?? "";
}

function advice(code) {
  return {
    voucher_already_redeemed: t("Keep the paper, do not give goods for it. If the customer disagrees, show the time and the store above."),
    voucher_expired: t("The validity is over. Ask a manager what the store offers instead."),
    voucher_not_found: t("It is not one of this store's vouchers. Check the merchant's name on the paper."),
    voucher_not_active: t("It was never sold. Ask the customer where it comes from and call a manager."),
    voucher_frozen: t("It is blocked. Do not accept it and call a manager."),
  }[code] ?? t("Nothing was redeemed. Check the paper, or call a manager.");
}
