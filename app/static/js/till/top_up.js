// A cash top-up: whom, how much, what the card gets for it, and the receipt.
import { money, post } from "./api.js";
import { camera } from "./camera.js";
import { isPaymentCode, withoutGaps } from "./codes.js";
import { field, fill, h } from "./dom.js";
import { readYuan, inYuan, yuan } from "./money.js";
import { t } from "./text.js";
import { tone } from "./voice.js";

const PRESETS = [5000, 10000, 20000, 30000, 50000, 100000];

export function build(till) {
  const who = field(t("Phone, payment code or card number"), { inputmode: "text", maxlength: 40, "data-test": "who" });
  const body = h("div", { class: "panel stack outcome" });
  const lens = camera((text) => {
    lens.close();
    who.input.value = text;
    look(text);
  });
  const find = h("form", { class: "panel stack", onsubmit: (event) => {
    event.preventDefault();
    look(who.input.value);
  } }, h("h2", {}, t("Who gets the money?")), who.box, h("button", { class: "button wide", "data-test": "find" }, t("Find the member")), lens.box,
  h("p", { class: "note" }, t("The member says the phone number, shows the payment code or gives the card number. Compare the name before you take cash.")));
  const root = h("section", { class: "screen two" }, find, body);
  empty();

  function empty() {
    root.dataset.state = "";
    fill(body, h("p", { class: "note" }, t("The member's masked name, the amounts and the bonus appear here.")));
  }

  function receiver(text) {
    const typed = withoutGaps(text);
    if (/^1[3-9]\d{9}$/.test(typed)) return { phone: typed };
    return isPaymentCode(typed) ? { payment_code: typed } : { card_no: typed.toUpperCase() };
  }

  async function look(text) {
    if (!text.trim()) return who.error(t("Type or scan something first."));
    who.error("");
    try {
      const asked = receiver(text);
      const seen = await post("/top-ups/lookup", asked);
      if (seen.programs.length === 0) return who.error(t("No card program on sale is accepted here."));
      amount(asked, seen);
    } catch (error) {
      empty();
      who.error(error.detail ?? t("No connection. Try again when the line is back."));
      tone("bad");
    }
  }

  function amount(asked, seen) {
    let program = seen.programs[0];
    const sum = field(t("Cash in yuan"), { inputmode: "decimal", maxlength: 10, "data-test": "cash", oninput: () => bonus() });
    const gets = h("p", { class: "gets", "data-test": "bonus", "aria-live": "polite" });
    const tiers = h("p", { class: "note" });
    const choice = h("select", { "aria-label": t("Card program"), onchange: () => {
      program = seen.programs[choice.selectedIndex];
      bonus();
    } }, seen.programs.map((one) => h("option", {}, `${one.name} · ${one.issuer}`)));
    const presets = h("div", { class: "presets" }, PRESETS.map((fen) => h("button", { type: "button", class: "button quiet", onclick: () => {
      sum.input.value = String(fen / 100);
      bonus();
    } }, `¥${fen / 100}`)));
    const go = h("button", { class: "button huge go", "data-test": "take-cash" });
    const form = h("form", { class: "stack", onsubmit: (event) => {
      event.preventDefault();
      take();
    } }, h("p", { class: "person", "data-test": "member" }, h("strong", {}, masked(seen.member.nickname)), h("span", {}, seen.member.phone_masked ?? t("no phone bound"))),
    h("label", { class: "field" }, h("span", {}, t("Card program")), choice), tiers, presets, sum.box, gets, go);
    bonus();
    front("found");
    fill(body, form);
    sum.input.focus();

    function bonus() {
      const fen = readYuan(sum.input.value) ?? 0;
      const tier = program.tiers.filter((one) => one.threshold_fen <= fen).at(-1);
      tiers.textContent = program.tiers.map((one) => t("from ¥%(from)s: ¥%(bonus)s extra", { from: yuan(one.threshold_fen), bonus: yuan(one.bonus_fen) })).join(" · ");
      gets.textContent = tier ? t("The card gets ¥%(total)s, of which ¥%(bonus)s is bonus.", { total: yuan(fen + tier.bonus_fen), bonus: yuan(tier.bonus_fen) }) : "";
      go.textContent = fen ? t("Take ¥%(amount)s in cash", { amount: yuan(fen) }) : t("Take cash");
    }

    async function take() {
      const fen = readYuan(sum.input.value);
      if (!fen) return sum.error(t("Type an amount in yuan, for example 100 or 28.50."));
      sum.error("");
      form.setAttribute("inert", "");
      try {
        const made = await money("/top-ups", { ...asked, amount_fen: fen, program_id: program.id }, t("Cash top-up of ¥%(amount)s", { amount: yuan(fen) }));
        receipt(made);
      } catch (error) {
        form.removeAttribute("inert");
        sum.error(error.detail ?? error.message);
        tone("bad");
      }
    }
  }

  function receipt(made) {
    who.input.value = "";
    front("credited");
    tone("good");
    const next = h("button", { class: "button", "data-test": "next", onclick: () => {
      empty();
      who.input.focus();
    } }, t("Next"));
    fill(body, h("div", { class: "result good", "data-test": "credited" }, h("p", { class: "verdict" }, t("✓ Credited")), h("p", { class: "sum" }, `${inYuan(made.credited_fen)}`),
      h("dl", { class: "parts" }, h("dt", {}, t("Cash")), h("dd", {}, `${inYuan(made.amount_fen)}`), h("dt", {}, t("Bonus")), h("dd", {}, `${inYuan(made.bonus_fen)}`),
        h("dt", {}, t("Member")), h("dd", {}, `${masked(made.member.nickname)} ${made.member.phone_masked ?? ""}`),
        h("dt", {}, t("Balance of this card")), h("dd", {}, `${inYuan(made.card.balance_fen)}`)), h("p", { class: "note" }, made.top_up_no)),
    h("div", { class: "row" }, next, till.printLink(made.top_up_no)));
    next.focus({ preventScroll: true });
  }

  /** On a phone what matters now stands above. */
  function front(state) {
    root.dataset.state = state;
    document.getElementById("screen").scrollTo(0, 0);
  }

  return { root, title: t("Cash top-up"), show: () => who.input.focus({ preventScroll: true }), hide: () => lens.close(), scanned: (text) => {
    who.input.value = text;
    look(text);
  } };
}

function masked(name) {
  const letters = [...(name || "")];
  return letters.length ? `${letters[0]}${"*".repeat(Math.max(letters.length - 1, 1))}` : t("Member");
}
