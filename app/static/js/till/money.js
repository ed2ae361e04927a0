// Whole fen in, words and figures out. No fractions are ever computed.

/** 1234567 as "12,345.67". */
export function yuan(fen) {
  const whole = Math.trunc(Math.abs(fen) / 100);
  const cents = String(Math.abs(fen) % 100).padStart(2, "0");
  return `${fen < 0 ? "-" : ""}${String(whole).replace(/\B(?=(\d{3})+$)/g, ",")}.${cents}`;
}

/** 1234567 as "¥12,345.67"; a minus sign stands before. */
export function inYuan(fen) {
  return `${fen < 0 ? "-" : ""}¥${yuan(Math.abs(fen))}`;
}

/** What somebody typed ("28.5", "1,200") as fen; null when it is no amount. */
export function readYuan(text) {
  const found = /^(\d{1,7})(?:\.(\d{0,2}))?$/.exec(text.trim().replace(/[,，¥￥\s]/g, ""));
  return found ? Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0")) : null;
}
