// What the till says aloud: a Chinese voice of the device where there is one, else tones.
import { amountWords } from "./amount_words.js";

const SWITCH = "kaquan.till.sound";
let audio = null;

export function soundOn() {
  return localStorage.getItem(SWITCH) !== "off";
}

export function switchSound(on) {
  localStorage.setItem(SWITCH, on ? "on" : "off");
  if (on) tone("good");
  else globalThis.speechSynthesis?.cancel();
}

/** Browsers let a page sound only after somebody touched it. */
export function unlock() {
  audio ??= globalThis.AudioContext ? new AudioContext() : null;
  if (audio?.state === "suspended") audio.resume();
}

/** 会员卡收款，到账二十八元五角. */
export function arrivalWords(item) {
  const amount = amountWords(Math.abs(item.amount_fen));
  if (item.event === "payment.paid") {
    const by = item.wechat_fen ? (item.card_fen ? "会员卡和微信收款" : "微信收款") : "会员卡收款";
    return `${by}，到账${amount}`;
  }
  if (item.event === "voucher.redeemed") return `纸质券核销成功，${amount}`;
  if (item.event === "top_up.credited") return `现金充值成功，${amount}`;
  if (item.event === "voucher_sale.sold") return `售券成功，${amount}`;
  if (item.event === "refund.made") return `已退款，${amount}`;
  return "";
}

export function announce(item) {
  const words = arrivalWords(item);
  if (words) say(words, "good");
}

export function say(words, kind) {
  if (!soundOn()) return;
  tone(kind);
  const voice = globalThis.speechSynthesis?.getVoices().find((one) => /^(zh|cmn)/i.test(one.lang));
  if (!voice) return;
  const spoken = new SpeechSynthesisUtterance(words);
  spoken.voice = voice;
  spoken.lang = "zh-CN";
  spoken.rate = 1.05;
  speechSynthesis.speak(spoken);
}

/** Two rising notes for good, two low ones for refused: told apart without looking. */
export function tone(kind) {
  if (!soundOn() || audio?.state !== "running") return;
  const notes = kind === "good" ? [880, 1318] : [220, 174];
  notes.forEach((pitch, turn) => {
    const at = audio.currentTime + turn * 0.14;
    const source = audio.createOscillator();
    const level = audio.createGain();
    source.type = kind === "good" ? "sine" : "square";
    source.frequency.value = pitch;
    level.gain.setValueAtTime(0.001, at);
    level.gain.exponentialRampToValueAtTime(0.25, at + 0.02);
    level.gain.exponentialRampToValueAtTime(0.001, at + 0.16);
    source.connect(level).connect(audio.destination);
    source.start(at);
    source.stop(at + 0.18);
  });
  navigator.vibrate?.(kind === "good" ? 60 : [120, 60, 120]);
}
