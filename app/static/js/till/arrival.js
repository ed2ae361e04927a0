// Money from a member who scanned the counter: large over every screen, for eyes that hear nothing.
import { h } from "./dom.js";
import { inYuan, yuan } from "./money.js";
import { clock, t } from "./text.js";

const SHOWN = 6000;
let timer = null;
let shown = null;

/** Only what nobody at this till has just done: a dialog shows that by itself. */
export function show(item) {
  const wechatSale = item.event === "voucher_sale.sold" && item.wechat_fen > 0;
  if (item.event !== "payment.paid" && !wechatSale || document.querySelector("dialog[open]")) return;
  hide();
  const by = item.card_fen && item.wechat_fen ? t("Member card and WeChat") : item.card_fen ? t("Member card") : t("WeChat Pay");
  shown = h("button", { type: "button", class: "arrival", "data-test": "arrival", "aria-label": t("Arrived: ¥%(amount)s", { amount: yuan(item.amount_fen) }), onclick: hide },
    h("span", {}, t("Arrived"), " · ", by), h("strong", {}, `${inYuan(item.amount_fen)}`), h("time", {}, clock(item.occurred_at)));
  document.body.append(shown);
  timer = setTimeout(hide, SHOWN);
}

function hide() {
  clearTimeout(timer);
  shown?.remove();
  shown = null;
}
