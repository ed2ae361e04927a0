// Receiving money: the keypad, the counter's code, and the list of what arrives.
import { get, money, pause, picture } from "./api.js";
import { camera } from "./camera.js";
import { isPaymentCode, withoutGaps } from "./codes.js";
import { dialog, field, fill, h } from "./dom.js";
import { keypad } from "./keypad.js";
import { inYuan, yuan } from "./money.js";
import { clock, kindWord, stateWord, t } from "./text.js";
import { chineseVoice, tone } from "./voice.js";

const SHOWN = 40;
const FRESH = 20_000;

export function build(till) {
  const pad = keypad(t("Scan to charge"), { onaction: () => askCode() });
  const list = h("ol", { class: "feed", "data-test": "feed" });
  const none = h("p", { class: "none" }, t("Nothing yet today. Each arrival appears here and is said aloud."));
  const code = h("div", { class: "counter" });
  const silent = h("a", { class: "silent", href: "#device", hidden: true, "data-test": "no-voice" }, t("No Chinese voice on this device: chimes and large figures instead. See Device."));
  chineseVoice().then((voice) => (silent.hidden = Boolean(voice)));
  const root = h("section", { class: "screen receive" },
    h("div", { class: "charge" }, pad.shown, pad.pad),
    h("div", { class: "arrivals" }, code, silent, h("h2", {}, t("Arriving")), none, list));
  let asking = null;

  async function drawCode() {
    const point = till.me.pay_point;
    if (!point) {
      fill(code, h("p", { class: "none" }, t("This store has no pay point yet. A manager makes one in the console.")));
      return;
    }
    const source = await picture(point.url).catch(() => null);
    if (!source) return;
    fill(code,
      h("button", { type: "button", class: "qr", "aria-label": t("Show the code large"), onclick: () => showLarge(source) },
        h("img", { src: source, alt: t("The store's payment code"), width: 148, height: 148 })),
      h("div", { class: "counter-words" }, h("strong", {}, t("Members scan here to pay")), h("span", {}, till.me.store.name), mark()));
  }

  function showLarge(source) {
    dialog(till.me.store.name, h("div", { class: "poster" },
      h("img", { src: source, alt: t("The store's payment code") }), h("p", {}, t("Scan with WeChat to pay by member card")), mark()));
  }

  function askCode() {
    const fen = pad.fen();
    if (fen <= 0) {
      till.toast(t("Type the amount first."), "bad");
      tone("bad");
      return undefined;
    }
    const typed = field(t("Payment code (18 digits)"), { inputmode: "numeric", maxlength: 23, "data-test": "payment-code" });
    const lens = camera((text) => charge(text));
    const form = h("form", { class: "stack", onsubmit: (event) => {
      event.preventDefault();
      charge(typed.input.value);
    } }, h("p", { class: "big" }, `${inYuan(fen)}`),
    h("p", { class: "note" }, t("Ask the member to open the payment code. Scan it with the scanner or the camera, or type it.")),
    lens.box, typed.box, h("button", { class: "button wide", "data-test": "pay" }, t("Charge")));
    asking = dialog(t("Charge a member"), form, { onclose: () => {
      lens.close();
      asking = null;
    } });
    asking.charge = charge;
    typed.input.focus();

    async function charge(text) {
      const digits = withoutGaps(text);
      if (!isPaymentCode(digits)) {
        typed.error(t("A payment code has 18 digits. Ask the member to show it again."));
        tone("bad");
        return;
      }
      if (form.hasAttribute("inert")) return;
      form.setAttribute("inert", "");
      try {
        const paid = await money("/payments", { payment_code: digits, amount_fen: fen }, t("Charge of ¥%(amount)s", { amount: yuan(fen) }));
        lens.close();
        pad.clear();
        asking?.close();
        showPayment(paid);
      } catch (error) {
        form.removeAttribute("inert");
        typed.input.value = "";
        typed.error(error.detail ?? error.message);
        tone("bad");
      }
    }
    return undefined;
  }

  /** Paid at once, or waiting for the member's WeChat: both tenders stand there until it is clear. */
  async function showPayment(paid) {
    const body = h("div", { class: "result" });
    let open = true;
    const sheet = dialog(t("Payment"), h("div", { class: "stack" }, body,
      h("button", { class: "button plain wide", "data-test": "done", onclick: () => sheet.close() }, t("Next"))), { onclose: () => (open = false) });
    sheet.box.querySelector("[data-test=done]").focus();
    for (let seen = paid; open;) {
      sheet.box.dataset.verdict = draw(body, seen);
      if (!["pending", "closing"].includes(seen.status)) return;
      await pause(1500);
      seen = await get(`/payments/${seen.payment_no}`).catch(() => seen);
    }
  }

  function draw(body, seen) {
    const [word] = stateWord(seen.status);
    const kind = { paid: "good", pending: "waiting", closing: "waiting" }[seen.status] ?? "bad";
    body.className = `result ${kind}`;
    body.dataset.status = seen.status;
    fill(body, h("p", { class: "verdict" }, kind === "good" ? t("Paid") : word), h("p", { class: "sum" }, `${inYuan(seen.amount_fen)}`),
      h("dl", { class: "parts" }, h("dt", {}, t("Member card")), h("dd", {}, `${inYuan(seen.card_fen)}`),
        h("dt", {}, t("WeChat Pay")), h("dd", {}, `${inYuan(seen.wechat_fen)}${kind === "waiting" ? ` · ${t("waiting")}` : ""}`)),
      kind === "waiting" && h("p", {}, t("The card does not cover it. The member confirms the rest in WeChat now; do not hand over the goods yet.")),
      kind === "bad" && h("p", {}, t("Nothing was paid. What was held on the card is free again.")),
      h("p", { class: "note" }, seen.payment_no));
    return kind;
  }

  function line(item, fresh) {
    const [word, colour] = stateWord(item.status);
    const back = ["refund.made", "refund.succeeded", "voucher.reversed", "top_up.reversed"].includes(item.event);
    return h("li", { class: `${colour}${fresh ? " fresh" : ""}`, "data-number": item.number, "data-event": item.event },
      h("span", { class: "what" }, kindWord(item.kind), h("small", {}, `${clock(item.occurred_at)} · ${word}`), tenders(item)),
      h("strong", {}, `${back ? "−" : ""}${inYuan(Math.abs(item.amount_fen))}`));
  }

  return {
    root,
    title: t("Receive"),
    show: () => drawCode(),
    typed: (event) => !asking && pad.typed(event),
    scanned: (text) => {
      if (asking) return asking.charge(text);
      if (isPaymentCode(text)) {
        askCode();
        return asking?.charge(text);
      }
      return till.go("redeem", text);
    },
    /** The list is replaced at first; later each item comes on top, or takes its older self's place. */
    items: async (items) => {
      if (items.length === 0) items = await earlier();
      for (const one of list.children) items = items.filter((item) => item.number !== one.dataset.number);
      const newest = items.filter((one, at) => items.findIndex((other) => other.number === one.number) === at);
      list.append(...newest.slice(0, SHOWN).map((item) => line(item, false)));
      none.hidden = list.children.length > 0;
    },
    item: (item) => {
      [...list.children].find((one) => one.dataset.number === item.number)?.remove();
      const fresh = line(item, true);
      list.prepend(fresh);
      setTimeout(() => fresh.classList.remove("fresh"), FRESH);
      while (list.children.length > SHOWN) list.lastChild.remove();
      none.hidden = true;
    },
  };
}

/** The feed forgets after a while; what was done earlier today stands in the records. */
async function earlier() {
  const seen = await get("/records", { limit: 20 }).catch(() => ({ items: [] }));
  return seen.items.map((one) => ({ ...one, event: one.kind === "refund" ? "refund.made" : one.status === "reversed" ? "voucher.reversed" : "earlier", occurred_at: one.at }));
}

function tenders(item) {
  const parts = [[item.card_fen, t("Member card")], [item.wechat_fen, t("WeChat Pay")], [item.cash_fen, t("Cash")]].filter(([fen]) => fen);
  return parts.length > 1 && h("small", {}, parts.map(([fen, word]) => `${word} ${inYuan(fen)}`).join(" + "));
}

/** It moves, with the time beside it: a photographed screen stands still. */
function mark() {
  return h("span", { class: "mark", "aria-hidden": "true" }, h("i", {}), h("time", { class: "ticking" }, clock(Date.now())));
}
