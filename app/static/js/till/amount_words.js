// An amount as a Chinese voice says it: 2850 fen is 二十八元五角.
const DIGITS = "零一二三四五六七八九";
const PLACES = ["", "十", "百", "千"];

/** For 0 to 99,999.99 yuan, in fen. */
export function amountWords(fen) {
  const whole = Math.trunc(fen / 100);
  const jiao = Math.trunc(fen / 10) % 10;
  const left = fen % 10;
  if (fen === 0) return "零元";
  let said = whole ? `${wholeWords(whole)}元` : "";
  if (jiao) said += `${DIGITS[jiao]}角`;
  else if (left && whole) said += "零";
  return left ? `${said}${DIGITS[left]}分` : said;
}

function wholeWords(number) {
  const high = Math.trunc(number / 10000);
  const low = number % 10000;
  if (!high) return groupWords(low).replace(/^一十/, "十");
  const gap = low && low < 1000 ? "零" : "";
  return `${groupWords(high).replace(/^一十/, "十")}万${gap}${low ? groupWords(low) : ""}`;
}

function groupWords(number) {
  let said = "";
  let gap = false;
  for (let place = 3; place >= 0; place -= 1) {
    const digit = Math.trunc(number / 10 ** place) % 10;
    if (!digit) {
      gap = said !== "";
      continue;
    }
    said += `${gap ? "零" : ""}${DIGITS[digit]}${PLACES[place]}`;
    gap = false;
  }
  return said;
}
