// Selling paper from the store's stock: serial numbers, the price, then cash or a WeChat code.
import { get, money, pause, picture, post } from "./api.js";
import { camera } from "./camera.js";
import { field, fill, h } from "./dom.js";
import { inYuan, yuan } from "./money.js";
import { t } from "./text.js";
import { tone } from "./voice.js";

export function build(till) {
  let serials = [];
  const one = field(t("Serial number (scan or type)"), { maxlength: 40, autocapitalize: "characters", "data-test": "serial" });
  const first = field(t("First of a range"), { maxlength: 40, autocapitalize: "characters", "data-test": "first" });
  const last = field(t("Last of a range"), { maxlength: 40, autocapitalize: "characters", "data-test": "last" });
  const chips = h("div", { class: "chips" });
  const body = h("div", { class: "panel stack outcome" });
  const lens = camera((text) => {
    add(text.split("/").at(-1));
    tone("good");
    lens.goOn();
  });
  const form = h("form", { class: "panel stack", onsubmit: (event) => {
    event.preventDefault();
    quote();
  } }, h("h2", {}, t("Which vouchers or top-up cards?")), lens.box, one.box, chips, h("div", { class: "row" }, first.box, last.box),
  h("button", { class: "button wide", "data-test": "quote" }, t("Show the price")), h("p", { class: "note" }, t("All of one batch. They are good from the moment they are paid.")));
  const root = h("section", { class: "screen two" }, form, body);
  empty();

  function empty() {
    root.dataset.state = "";
    fill(body, h("p", { class: "note" }, t("The price appears here before anything is sold.")));
  }

  function add(text) {
    const serial = text.trim().toUpperCase();
    if (serial && !serials.includes(serial)) serials.push(serial);
    one.input.value = "";
    fill(chips, serials.map((name) => h("button", { type: "button", class: "chip", "aria-label": t("Take %(name)s off", { name }), onclick: () => {
      serials = serials.filter((other) => other !== name);
      add("");
    } }, `${name} ×`)));
  }

  function chosen() {
    const range = first.input.value.trim() ? { first: first.input.value.trim(), last: (last.input.value.trim() || first.input.value.trim()) } : null;
    return { serials, range };
  }

  async function quote() {
    add(one.input.value);
    one.error("");
    try {
      const papers = chosen();
      price(papers, await post("/voucher-sales/quote", papers));
    } catch (error) {
      empty();
      one.error(error.errors ? t("Scan or type at least one serial number.") : error.detail ?? t("No connection. Try again when the line is back."));
      tone("bad");
    }
  }

  function price(papers, seen) {
    const wrong = h("p", { class: "wrong", role: "alert" });
    root.dataset.state = "found";
    document.getElementById("screen").scrollTo(0, 0);
    const sell = (tender) => async () => {
      actions.setAttribute("inert", "");
      try {
        const sale = await money("/voucher-sales", { ...papers, tender }, t("Sale for ¥%(amount)s", { amount: yuan(seen.amount_fen) }));
        if (tender === "cash") sold(sale);
        else await wait(sale);
      } catch (error) {
        actions.removeAttribute("inert");
        wrong.textContent = error.detail ?? error.message;
        tone("bad");
      }
    };
    const actions = h("div", { class: "stack" }, h("button", { class: "button huge go", "data-test": "sell-cash", onclick: sell("cash") }, t("Take ¥%(amount)s in cash", { amount: yuan(seen.amount_fen) })),
      h("button", { class: "button wide quiet", "data-test": "sell-wechat", onclick: sell("wechat") }, t("Show a WeChat code")));
    fill(body, h("div", { class: "result looked", "data-test": "price" }, h("p", { class: "verdict" }, seen.batch), h("p", { class: "sum" }, `${inYuan(seen.amount_fen)}`),
      h("p", {}, t("%(count)s papers of ¥%(face)s each", { count: seen.quantity, face: yuan(seen.face_value_fen) }))), actions, wrong);
  }

  function sold(sale) {
    serials = [];
    add("");
    first.input.value = last.input.value = "";
    tone("good");
    fill(body, h("div", { class: "result good", "data-test": "sold" }, h("p", { class: "verdict" }, t("✓ Sold, good from now on")), h("p", { class: "sum" }, `${inYuan(sale.amount_fen)}`),
      h("p", {}, t("%(count)s papers", { count: sale.quantity })), h("p", { class: "note" }, sale.sale_no)), h("div", { class: "row" }, h("button", { type: "button", class: "button", "data-test": "next", onclick: () => {
        empty();
        one.input.focus();
      } }, t("Next")), till.printLink(sale.sale_no)));
    body.querySelector("[data-test=next]").focus({ preventScroll: true });
  }

  async function wait(sale) {
    const source = await picture(sale.code_url).catch(() => null);
    let open = true;
    const giveUp = async () => {
      open = false;
      const ended = await post(`/voucher-sales/${sale.sale_no}/close`).catch(() => null);
      if (ended?.status === "sold") return sold(ended);
      till.toast(ended ? t("Given up. The papers can be sold again.") : t("No connection. The sale ends by itself in ten minutes unless it is paid."), ended ? "" : "bad");
      empty();
    };
    fill(body, h("div", { class: "result waiting" }, h("p", { class: "verdict" }, t("Waiting for WeChat Pay")), h("p", { class: "sum" }, `${inYuan(sale.amount_fen)}`),
      source && h("img", { class: "pay-code", src: source, alt: t("The customer scans this with WeChat") }), h("p", {}, t("The customer scans this with WeChat. Hand over the papers when it turns green."))),
    h("button", { class: "button wide quiet", onclick: giveUp }, t("The customer gives up")));
    while (open && body.isConnected) {
      await pause(1500);
      const seen = await get(`/voucher-sales/${sale.sale_no}`).catch(() => null);
      if (!open || !seen) continue;
      if (seen.status === "sold") return sold(seen);
      if (seen.status === "closed") {
        empty();
        return till.toast(t("Nothing was paid in time. The papers can be sold again."), "bad");
      }
    }
  }

  return { root, title: t("Sell"), show: () => one.input.focus({ preventScroll: true }), hide: () => lens.close(), scanned: (text) => add(text.split("/").at(-1)) };
}
