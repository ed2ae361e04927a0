// What the till says aloud: a Chinese voice of the device where there is one, else chimes.
import { amountWords } from "./amount_words.js";

const SWITCH = "kaquan.till.sound";
const PATIENCE = 2500;
// Hertz, one note after another: told apart without looking at the screen.
const CHIMES = {
  good: { notes: [880, 1318], type: "sine" },
  arrival: { notes: [1046, 1318, 1568, 1318, 1568], type: "triangle" },
  back: { notes: [659, 494], type: "triangle" },
  bad: { notes: [220, 174, 220, 174], type: "square" },
};
const NOTE = 0.14;  // Seconds.
let audio = null;
let broken = false;
let asked = null;
const watchers = new Set();

export function soundOn() {
  return localStorage.getItem(SWITCH) !== "off";
}

export function switchSound(on) {
  localStorage.setItem(SWITCH, on ? "on" : "off");
  if (on) unlock();
  else globalThis.speechSynthesis?.cancel();
  tell();
}

/** "off", "locked" (nobody has touched the page since it was opened), or "on". */
export function soundState() {
  if (!soundOn()) return "off";
  return audio?.state === "running" ? "on" : "locked";
}

export function onSound(watch) {
  watchers.add(watch);
}

/** Browsers let a page sound only after somebody touched it. */
export function unlock() {
  if (!audio && globalThis.AudioContext) {
    audio = new AudioContext();
    audio.addEventListener("statechange", tell);
  }
  if (audio && audio.state !== "running") audio.resume().catch(() => {});
}

/** The device's Chinese voice, or null: it has none, or it failed when it was to speak. */
export function chineseVoice() {
  asked ??= listVoices();
  return asked.then((voices) => (broken ? null : voices.find((one) => one.localService) ?? voices[0] ?? null));
}

/** Voices come late, in some webviews never. */
function listVoices() {
  const speech = globalThis.speechSynthesis;
  if (!speech) return Promise.resolve([]);
  const chinese = () => speech.getVoices().filter((one) => /^(zh|cmn)/i.test(one.lang) && !/HK|yue/i.test(one.lang));
  return new Promise((found) => {
    const look = () => chinese().length && found(chinese());
    speech.addEventListener?.("voiceschanged", look);
    setTimeout(() => found(chinese()), PATIENCE);
    look();
  });
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
  if (words) say(words, { "payment.paid": "arrival", "refund.made": "back" }[item.event] ?? "good");
}

/** Chime, then speak. Without a voice the chime comes twice. Gives "off", "chimes" or "voice". */
export async function say(words, kind) {
  if (!soundOn()) return "off";
  tone(kind);
  const voice = await chineseVoice();
  if (voice && await speak(voice, words)) return "voice";
  setTimeout(() => tone(kind), 900);
  return "chimes";
}

/** Whether the voice was heard to begin. A voice that needs a network it has not is no voice. */
function speak(voice, words) {
  const spoken = new SpeechSynthesisUtterance(words);
  spoken.voice = voice;
  spoken.lang = voice.lang;
  spoken.rate = 1.05;
  return new Promise((heard) => {
    const waiting = speechSynthesis.speaking || speechSynthesis.pending;
    const timer = waiting ? null : setTimeout(() => heard(false), PATIENCE);
    spoken.onstart = () => heard(true);
    spoken.onend = () => heard(true);
    spoken.onerror = (event) => {
      clearTimeout(timer);
      if (!["canceled", "interrupted", "not-allowed"].includes(event.error)) {
        broken = true;
        tell();
      }
      heard(false);
    };
    speechSynthesis.speak(spoken);
  });
}

export function tone(kind) {
  if (!soundOn() || audio?.state !== "running") return;
  const { notes, type } = CHIMES[kind] ?? CHIMES.good;
  notes.forEach((pitch, turn) => {
    const at = audio.currentTime + turn * NOTE;
    const source = audio.createOscillator();
    const level = audio.createGain();
    source.type = type;
    source.frequency.value = pitch;
    level.gain.setValueAtTime(0.001, at);
    level.gain.exponentialRampToValueAtTime(kind === "bad" ? 0.3 : 0.5, at + 0.02);
    level.gain.exponentialRampToValueAtTime(0.001, at + NOTE + 0.02);
    source.connect(level).connect(audio.destination);
    source.start(at);
    source.stop(at + NOTE + 0.04);
  });
  navigator.vibrate?.(kind === "bad" ? [120, 60, 120] : 60);
}

function tell() {
  watchers.forEach((watch) => watch());
}
