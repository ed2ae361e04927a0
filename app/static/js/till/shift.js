// A shift: opened with the counted float, looked at (X), handed over, closed with what was counted (Z).
import { get, money } from "./api.js";
import { field, fill, h } from "./dom.js";
import { inYuan, readYuan } from "./money.js";
import { proof } from "./proof.js";
import { dayAndClock, t } from "./text.js";
import { tone } from "./voice.js";

export function build(till) {
  const root = h("section", { class: "screen two" });

  async function show() {
    try {
      const seen = await get("/shifts/current");
      if (seen.shift) current(seen.shift);
      else begin(seen.required);
    } catch (error) {
      fill(root, h("p", { class: "panel wrong" }, error.detail ?? t("No connection. Try again when the line is back.")));
    }
  }

  function begin(required) {
    const float = field(t("Cash in the drawer now, in yuan"), { inputmode: "decimal", maxlength: 10, "data-test": "float" });
    const form = h("form", { class: "panel stack", onsubmit: (event) => {
      event.preventDefault();
      const fen = readYuan(float.input.value);
      if (fen === null) return float.error(t("Count the drawer and type the sum; 0 when it is empty."));
      return act(form, float, async () => {
        await money("/shifts/open", { opening_float_fen: fen }, t("Opening of the shift"));
        till.toast(t("The shift is open."), "good");
        await show();
      });
    } }, h("h2", {}, t("Open a shift")), h("p", { class: "note" }, required ? t("This store takes no cash without an open shift.") : t("With a shift the till knows what must be in the drawer.")),
    float.box, h("button", { class: "button huge go", "data-test": "open-shift" }, t("Open the shift")));
    fill(root, form);
    float.input.focus({ preventScroll: true });
  }

  function current(shift) {
    const counted = field(t("Cash counted, in yuan"), { inputmode: "decimal", maxlength: 10, "data-test": "counted" });
    const reason = field(t("Reason for a difference"), { maxlength: 200, "data-test": "difference-reason" });
    const next = proof(till.me.terminal_id !== null);
    const over = h("details", {}, h("summary", {}, t("Hand over to a colleague")), h("p", { class: "note" }, t("The colleague confirms the counted cash here.")), next.box,
      h("button", { type: "button", class: "button wide", "data-test": "hand-over", onclick: () => finish(true) }, t("Hand the shift over")));
    const form = h("form", { class: "panel stack", onsubmit: (event) => {
      event.preventDefault();
      finish(false);
    } }, h("h2", {}, t("Close the shift")), counted.box, reason.box, h("button", { class: "button huge go", "data-test": "close-shift" }, t("Close and print Z")), over);
    fill(root, report(shift), form);

    function finish(handing) {
      const fen = readYuan(counted.input.value);
      counted.error("");
      reason.error("");
      if (fen === null) return counted.error(t("Count the drawer and type the sum; 0 when it is empty."));
      if (handing && !next.filled()) return next.error(t("The colleague's name and password or PIN."));
      const body = { counted_fen: fen, reason: reason.input.value.trim() };
      return act(form, handing ? next : reason, async () => {
        const ended = handing ? (await money("/shifts/hand-over", { ...body, successor: next.value() }, t("Hand-over"))).closed : await money("/shifts/close", body, t("Close of the shift"));
        tone("good");
        fill(root, report(ended), h("div", { class: "panel stack" }, h("h2", {}, t("The shift is closed")),
          h("a", { class: "button wide", href: `/pos/shifts/${ended.id}`, target: "_blank", rel: "noopener" }, t("Print Z")),
          handing ? [h("p", {}, t("The next shift is your colleague's. Lock the till, so that they sign in themselves.")), h("button", { class: "button huge go", "data-test": "lock-for-next", onclick: till.lock }, t("Lock the till"))]
            : h("button", { class: "button quiet wide", onclick: show }, t("Open a shift"))));
      });
    }
  }

  async function act(form, place, run) {
    form.setAttribute("inert", "");
    try {
      await run();
    } catch (error) {
      form.removeAttribute("inert");
      const told = error.difference_fen === undefined ? error.detail ?? error.message
        : t("%(detail)s Expected %(expected)s, difference %(difference)s.", { detail: error.detail, expected: inYuan(error.expected_fen), difference: inYuan(error.difference_fen) });
      place.error(told);
      tone("bad");
    }
  }

  function report(shift) {
    const lines = (title, list) => list.length > 0 && [h("dt", { class: "head" }, title), h("dd", { class: "head" }), list.flatMap((one) => [
      h("dt", {}, `${word(one.kind)} × ${one.count}`), h("dd", {}, `${inYuan(one.amount_fen)}`)])];
    const difference = shift.difference_fen;
    return h("div", { class: "panel stack", "data-test": "report", "data-report": shift.report }, h("h2", {}, t("%(kind)s report", { kind: shift.report })),
      h("p", { class: "note" }, `${shift.staff} · ${dayAndClock(shift.opened_at)}${shift.closed_at ? ` – ${dayAndClock(shift.closed_at)}` : ""}`),
      h("dl", { class: "parts" }, h("dt", {}, t("Float")), h("dd", {}, `${inYuan(shift.opening_float_fen)}`), lines(t("Cash"), shift.cash),
        h("dt", { class: "total" }, t("Expected in the drawer")), h("dd", { class: "total", "data-test": "expected" }, `${inYuan(shift.expected_fen)}`),
        shift.counted_fen !== null && [h("dt", {}, t("Counted cash")), h("dd", {}, `${inYuan(shift.counted_fen)}`), h("dt", {}, t("Difference")), h("dd", { class: difference ? "bad" : "good", "data-test": "difference" }, `${inYuan(difference)}`)],
        shift.difference_reason && [h("dt", {}, t("Reason")), h("dd", {}, shift.difference_reason)], lines(t("Without cash"), shift.other), lines(t("Scanned by members (whole store)"), shift.scanned)),
      h("a", { class: "button quiet", href: `/pos/shifts/${shift.id}`, target: "_blank", rel: "noopener" }, t("Print")));
  }

  return { root, title: t("Shift"), show };
}

function word(kind) {
  return {
    top_up_cash: t("Cash top-ups"), top_up_cash_reversed: t("Cash top-ups reversed"), vouchers_sold_at_till: t("Paper sold"), vouchers_sold_at_till_reversed: t("Paper taken back"),
    payment: t("Payments"), refund: t("Refunds"), redemption: t("Redemptions"), redemption_reversed: t("Redemptions reversed"), voucher_sale: t("Paper sold"), payment_scanned: t("Payments by scanning"),
  }[kind] ?? kind;
}
