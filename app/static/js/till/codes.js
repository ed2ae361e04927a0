// Secret codes as app/core/codes.py knows them: 15 characters and a check character.
export const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
export const LENGTH = 16;

/** What was typed in one piece, whichever keyboard it comes from: the server reads it the same way. */
export function withoutGaps(text) {
  return text.normalize("NFKC").replace(/[\s\-\u00ad\u200b-\u200f\u2010-\u2015\u2060\u2212\ufeff]/g, "");
}

/** The bare characters of what was typed or scanned; a scanned address gives its last part. */
export function bare(text) {
  const last = withoutGaps(text).replace(/\/+$/, "").split("/").at(-1) ?? "";
  return last.toUpperCase().replace(/O/g, "0").replace(/[IL]/g, "1");
}

export function grouped(code) {
  return code.replace(/(.{4})(?=.)/g, "$1-");
}

/** Luhn mod 32: tells every single wrong character. */
export function checkCharacter(letters) {
  let total = 0;
  let factor = 2;
  for (const letter of [...letters].reverse()) {
    const product = factor * ALPHABET.indexOf(letter);
    total += Math.trunc(product / 32) + (product % 32);
    factor = 3 - factor;
  }
  return ALPHABET[(32 - (total % 32)) % 32];
}

/** "short", "long", "letter", "check", or "good". */
export function judge(text) {
  const code = bare(text);
  if ([...code].some((letter) => !ALPHABET.includes(letter))) return "letter";
  if (code.length < LENGTH) return "short";
  if (code.length > LENGTH) return "long";
  return checkCharacter(code.slice(0, -1)) === code.at(-1) ? "good" : "check";
}

/** Eighteen digits on a member's phone. */
export function isPaymentCode(text) {
  return /^\d{18}$/.test(withoutGaps(text));
}
