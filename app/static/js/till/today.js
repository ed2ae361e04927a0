// What was done today: found again, printed again, refunded, reversed.
import { get, money, post } from "./api.js";
import { dialog, field, fill, h } from "./dom.js";
import { readYuan, inYuan, yuan } from "./money.js";
import { proof } from "./proof.js";
import { clock, dayAndClock, kindWord, stateWord, t } from "./text.js";
import { tone } from "./voice.js";

const KINDS = ["payment", "redemption", "top_up", "refund", "voucher_sale"];

export function build(till) {
  let cursor = null;
  let turn = 0;
  const kind = h("select", { "aria-label": t("Kind"), "data-test": "kind", onchange: () => load() },
    h("option", { value: "" }, t("Everything")), KINDS.map((one) => h("option", { value: one }, kindWord(one))));
  const digits = h("input", { type: "search", "aria-label": t("Number or its last digits"), placeholder: t("Number or its last digits"), maxlength: 40, "data-test": "search" });
  const day = h("input", { type: "date", "aria-label": t("Day"), onchange: () => load() });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const list = h("ul", { class: "records", "data-test": "records" });
  const more = h("button", { class: "button quiet wide", hidden: true, onclick: () => load(cursor) }, t("Show more"));
  const root = h("section", { class: "screen today" },
    h("form", { class: "filters", onsubmit: (event) => {
      event.preventDefault();
      load();
    } }, kind, day, digits, h("button", { class: "button" }, t("Search"))), wrong, list, more);

  async function load(from = null) {
    wrong.textContent = "";
    const mine = (turn += 1);
    try {
      const seen = await get("/records", { kind: kind.value, q: digits.value.trim(), day: day.value, cursor: from, limit: 40 });
      if (mine !== turn) return;  // Something newer was asked for meanwhile.
      cursor = seen.next_cursor;
      more.hidden = !cursor;
      const lines = seen.items.map(line);
      if (from) list.append(...lines);
      else fill(list, lines.length ? lines : h("li", { class: "none" }, t("Nothing was found. Choose another day or kind, or type at least four last digits.")));
    } catch (error) {
      if (mine === turn) wrong.textContent = error.errors ? t("Type at least four letters or digits of the number.") : error.detail ?? t("No connection. Try again when the line is back.");
    }
  }

  function line(record) {
    const [word, colour] = stateWord(record.status);
    return h("li", {}, h("button", { type: "button", "data-number": record.number, onclick: () => show(record) },
      h("span", { class: "what" }, kindWord(record.kind), h("small", {}, `${clock(record.at)} · ${record.number}`)),
      h("span", { class: `state ${colour}` }, word), h("strong", {}, `${record.kind === "refund" ? "−" : ""}${inYuan(record.amount_fen)}`)));
  }

  function show(record) {
    const row = (label, value) => value && [h("dt", {}, label), h("dd", {}, value)];
    const part = (label, fen) => row(label, fen ? `${inYuan(fen)}` : "");
    const left = record.amount_fen - record.refunded_fen;
    const body = h("div", { class: "stack" }, h("p", { class: "big" }, `${inYuan(record.amount_fen)}`),
      h("dl", { class: "parts" }, row(t("State"), stateWord(record.status)[0]), row(t("Time"), dayAndClock(record.at)), part(t("Member card"), record.card_fen), part(t("WeChat Pay"), record.wechat_fen),
        part(t("Cash"), record.cash_fen), part(t("Bonus"), record.bonus_fen), part(t("Refunded"), record.refunded_fen), row(t("Member"), [record.member_name, record.phone_masked].filter(Boolean).join(" ")),
        row(record.kind === "refund" ? t("Of payment") : t("Serial number"), record.reference), row(t("By"), [record.staff_name, record.terminal_name].filter(Boolean).join(" · ")), row(t("Slip number"), record.number)),
      h("div", { class: "row" }, till.printLink(record.number),
        record.kind === "payment" && ["paid", "partly_refunded"].includes(record.status) && left > 0 && h("button", { class: "button quiet", "data-test": "refund", onclick: () => refund(record, left) }, t("Refund")),
        (record.kind === "redemption" && record.status === "redeemed" || record.kind === "top_up" && record.status === "credited") && h("button", { class: "button quiet", "data-test": "reverse", onclick: () => reverse(record) }, t("Reverse"))));
    const sheet = dialog(kindWord(record.kind), h("div", { class: "stack" }, body, h("button", { class: "button quiet wide", onclick: () => sheet.close() }, t("Close this window"))));

    function refund(payment, most) {
      const sum = field(t("Amount in yuan (at most %(most)s)", { most: yuan(most) }), { inputmode: "decimal", value: yuan(most), "data-test": "refund-amount" });
      const reason = field(t("Reason"), { maxlength: 200, "data-test": "reason" });
      const form = h("form", { class: "stack", onsubmit: async (event) => {
        event.preventDefault();
        const fen = readYuan(sum.input.value);
        sum.error("");
        reason.error("");
        if (!fen || fen > most) return sum.error(t("Type an amount up to ¥%(most)s.", { most: yuan(most) }));
        if (!reason.input.value.trim()) return reason.error(t("Say why; it stands in the records."));
        await act(form, reason, async () => {
          const made = await money(`/payments/${payment.number}/refunds`, { amount_fen: fen, reason: reason.input.value.trim() }, t("Refund of ¥%(amount)s", { amount: yuan(fen) }));
          return made.wechat_fen ? t("Refunded ¥%(amount)s. WeChat gives its part back within days.", { amount: yuan(made.amount_fen) }) : t("Refunded ¥%(amount)s to the card.", { amount: yuan(made.amount_fen) });
        });
      } }, h("p", {}, t("The card part goes back to the card at once, the WeChat part by WeChat.")), sum.box, reason.box, h("button", { class: "button huge danger", "data-test": "refund-now" }, t("Refund now")));
      fill(body, form);
      sum.input.select();
    }

    function reverse(what) {
      const redemption = what.kind === "redemption";
      const reason = field(t("Reason"), { maxlength: 200, "data-test": "reason" });
      const manager = till.me.role === "store_manager" ? null : proof(till.me.terminal_id !== null);
      const form = h("form", { class: "stack", onsubmit: async (event) => {
        event.preventDefault();
        if (!reason.input.value.trim()) return reason.error(t("Say why; it stands in the records."));
        if (manager && !manager.filled()) return manager.error(t("A manager proves it here."));
        await act(form, manager ?? reason, async () => {
          if (manager) await approved(redemption ? "reverse_redemption" : "reverse_top_up", what, reason.input.value.trim(), manager);
          else await money(`/${redemption ? "redemptions" : "top-ups"}/${what.number}/reverse`, { reason: reason.input.value.trim() }, t("Reversal of %(number)s", { number: what.number }));
          return t("Reversed: %(number)s", { number: what.number });
        });
      } }, h("p", {}, redemption ? t("The voucher becomes good again and ¥%(amount)s is taken off the store's account.", { amount: yuan(what.amount_fen) })
        : t("¥%(amount)s is taken off the member's card again. Give the cash back.", { amount: yuan(what.amount_fen) })), reason.box,
      manager && h("p", { class: "note" }, t("A manager approves here with name and password or PIN.")), manager?.box, h("button", { class: "button huge danger", "data-test": "reverse-now" }, t("Reverse now")));
      fill(body, form);
      reason.input.focus();
    }

    let asked = null;
    async function approved(action, what, why, manager) {
      if (asked?.reason !== why) asked = await post("/approvals", { action, number: what.number, reason: why });
      await money(`/approvals/${asked.id}/approve`, { approver: manager.value() }, t("Reversal of %(number)s", { number: what.number }));
    }

    async function act(form, place, run) {
      form.setAttribute("inert", "");
      try {
        till.toast(await run(), "good");
        tone("good");
        sheet.close();
        load();
      } catch (error) {
        form.removeAttribute("inert");
        place.error(error.detail ?? error.message);
        tone("bad");
      }
    }
  }

  return { root, title: t("Today"), show: () => load(), hide: () => (digits.value = ""), scanned: (text) => {
    digits.value = text.split("/").at(-1);
    load();
  } };
}
