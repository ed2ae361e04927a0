// The till's words. English stands in the code, the page brings the reader's language along.
const island = document.getElementById("texts");
const TEXTS = island ? JSON.parse(island.textContent) : {};

/** A text in the reader's language, with %(name)s filled in. */
export function t(text, values = {}) {
  return (TEXTS[text] ?? text).replace(/%\((\w+)\)s/g, (_, name) => String(values[name] ?? ""));
}

export const chinese = document.documentElement.lang.startsWith("zh");

/** What kind of event it is, for people. */
export function kindWord(kind) {
  return {
    payment: t("Payment"), redemption: t("Redemption"), top_up: t("Cash top-up"),
    refund: t("Refund"), voucher_sale: t("Sale of paper"),
  }[kind] ?? kind;
}

/** A state as a word and a colour (good, waiting, bad, soft). */
export function stateWord(status) {
  return {
    pending: [t("waiting for WeChat"), "waiting"], closing: [t("closing"), "waiting"],
    closed: [t("closed, nothing paid"), "soft"], paid: [t("paid"), "good"],
    partly_refunded: [t("partly refunded"), "waiting"], refunded: [t("refunded"), "soft"],
    redeemed: [t("redeemed"), "good"], reversed: [t("reversed"), "soft"],
    credited: [t("credited"), "good"], processing: [t("on its way"), "waiting"],
    succeeded: [t("given back"), "good"], abnormal: [t("needs attention"), "bad"],
    sold: [t("sold"), "good"], inactive: [t("not sold yet"), "bad"], active: [t("good"), "good"],
    voided: [t("void"), "bad"], void: [t("void"), "bad"], expired: [t("expired"), "bad"],
  }[status] ?? [status, "soft"];
}

export function clock(instant) {
  return new Date(instant).toLocaleTimeString("zh-CN", { timeZone: "Asia/Shanghai", hour12: false });
}

export function dayAndClock(instant) {
  return new Date(instant).toLocaleString("zh-CN", { timeZone: "Asia/Shanghai", hour12: false });
}
