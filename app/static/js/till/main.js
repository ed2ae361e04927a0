// The frame around the screens: who is signed in, the way between screens, and the truth about the line.
import { get, NoAnswer, onAsking, onSignedOut, openSession, pause, post, remove, settle, signedInAs } from "./api.js";
import * as arrival from "./arrival.js";
import * as device from "./device.js";
import { dialog, h } from "./dom.js";
import { listen } from "./feed.js";
import * as keys from "./keys.js";
import * as receive from "./receive.js";
import * as redeem from "./redeem.js";
import * as sell from "./sell.js";
import * as shift from "./shift.js";
import { clock, t } from "./text.js";
import * as today from "./today.js";
import * as topUp from "./top_up.js";
import { announce, onSound, soundOn, soundState, switchSound, unlock } from "./voice.js";
import { watchWedge } from "./wedge.js";

const SCREENS = { receive, redeem, "top-up": topUp, sell, today, shift, device };
const STALE = 15 * 60 * 1000;
const place = document.getElementById("screen");
const nav = document.getElementById("nav");
const banner = document.getElementById("banner");
const built = {};
let now = "";
let lineUp = true;
let asking = "";
let out = false;

const till = {
  me: null,
  go,
  toast,
  lock,
  bind,
  /** The whole screen says what became of a voucher, while it is in front. */
  colour: (kind) => {
    document.body.dataset.verdict = now === "redeem" && ["good", "bad"].includes(kind) ? kind : "";
    if (now === "redeem") place.scrollTo(0, 0);
  },
  printLink: (number) => h("a", { class: "button quiet", href: `/pos/receipts/${encodeURIComponent(number)}`, target: "_blank", rel: "noopener", "data-test": "print" }, t("Receipt")),
};

async function start() {
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("/pos/sw.js", { scope: "/pos/" }).catch(() => {});
  onAsking((news) => {
    asking = news.asking ? news.label : "";
    showLine();
  });
  const session = await reach(openSession);
  if (session.signed_in && device.isLocked()) await reach(() => remove("/pos/session"));  // Locked without a line.
  if (!session.signed_in || device.isLocked()) {
    device.setLocked(false);
    return stranger();
  }
  till.me = await reach(() => get("/me"));
  if (!await bind()) return undefined;
  signedInAs(till.me.username);
  onSignedOut(stranger);
  document.getElementById("place").textContent = till.me.store?.name ?? till.me.username;
  if (!till.me.store) {
    place.replaceChildren(h("div", { class: "panel" }, h("p", {}, t("The till belongs to a store. Sign in as one of its staff.")), h("a", { class: "button", href: "/console/" }, t("To the console"))));
    return undefined;
  }
  menu();
  soundKey();
  addEventListener("hashchange", () => open(location.hash.slice(1)));
  watchWedge((text) => built[now].scanned?.(text));
  addEventListener("keydown", (event) => !document.querySelector("dialog[open]") && built[now]?.typed?.(event));
  addEventListener("pointerdown", unlock);
  addEventListener("keydown", unlock);
  for (const name of Object.keys(SCREENS)) built[name] = SCREENS[name].build(till);
  open(location.hash.slice(1));
  setInterval(tick, 1000);
  keepAwake();
  listen({ items: built.receive.items, item: (item) => {
    built.receive.item(item);
    announce(item);
    arrival.show(item);
  }, line: (up, error) => {
    lineUp = up || Boolean(error?.status);
    showLine();
  } });
  await lookBack();
  return undefined;
}

/** Try until the server answers; meanwhile the banner says so. */
async function reach(call, quiet = false) {
  for (;;) {
    try {
      const answer = await call();
      lineUp = true;
      showLine();
      return answer;
    } catch (error) {
      if (!(error instanceof NoAnswer) && error.status < 500) {
        if (!quiet && error.status === 401) stranger();
        else if (!quiet) toast(error.detail, "bad");
        throw error;
      }
      lineUp = false;
      showLine();
      await pause(2000);
    }
  }
}

/** Whoever has signed in on an enrolled device by password or WeChat works on that device. */
async function bind() {
  if (!till.me?.store || !device.terminalToken() || till.me.terminal_id !== null) return true;
  try {
    await reach(() => post("/pos/session/terminal", {}, { "Terminal-Token": device.terminalToken() }), true);
    till.me = await reach(() => get("/me"));
    return true;
  } catch (error) {
    if (error.code === "terminal_unknown") {
      device.forgetDevice();
      toast(error.detail, "bad");
      return true;
    }
    stranger(error.detail);
    return false;
  }
}

/** Nobody may go on here: the session ends, at once when there is a line, else before anything else. */
async function lock() {
  device.setLocked(true);
  await remove("/pos/session").then(() => device.setLocked(false), () => {});
  location.assign(device.terminalToken() ? "/pos/terminal/" : "/login/?next=/pos/");
}

/** Nobody is signed in: an enrolled device asks for a PIN, another goes to the sign-in page. */
function stranger(why) {
  if (out) return;
  out = true;
  document.querySelectorAll("dialog[open]").forEach((one) => one.close());
  if (why) toast(why, "bad");
  document.body.dataset.verdict = "";
  nav.replaceChildren();
  if (now) built[now]?.hide?.();
  now = "";
  if (location.pathname.startsWith("/pos/terminal/") || device.terminalToken()) {
    built.device = device.build({ ...till, me: null });
    place.replaceChildren(built.device.root);
    built.device.show();
  } else location.assign("/login/?next=/pos/");
}

/** What an earlier visit sent without hearing what became of it. */
async function lookBack() {
  for (const one of keys.unanswered()) {
    if (one.who !== till.me.username || one.body === null || Date.now() - one.at > STALE) {
      await decide(one);
      continue;
    }
    try {
      await settle(one);
      toast(t("%(label)s: it was done.", { label: one.label }), "good");
    } catch (error) {
      if (error instanceof NoAnswer) return;  // Signed out meanwhile: it stays to be asked about.
      toast(t("%(label)s: it was not done. %(why)s", { label: one.label, why: error.detail ?? "" }), "bad");
    }
  }
}

/** Too old, or somebody else's, to be asked about by itself: a person looks and decides. */
function decide(one) {
  return new Promise((decided) => {
    const mine = one.who === till.me.username && one.body !== null;
    const sheet = dialog(t("Not answered: %(label)s", { label: one.label }), h("div", { class: "stack" },
      h("p", {}, t("Sent at %(time)s by %(who)s, and no answer was heard. Look at Today or Shift whether it is there.", { time: clock(one.at), who: one.who })),
      mine && h("button", { class: "button wide", onclick: async () => {
        sheet.close();
        await settle(one).then(() => toast(t("%(label)s: it was done.", { label: one.label }), "good"), (error) => toast(error.detail ?? "", "bad"));
      } }, t("Ask again (it is done now if it was not)")),
      h("button", { class: "button quiet wide", onclick: () => {
        keys.forget(one.key);
        sheet.close();
      } }, t("I have looked; forget it"))), { onclose: decided });
  });
}

function menu() {
  const icons = { receive: "¥", redeem: "✓", "top-up": "＋", sell: "券", today: "☰", shift: "◷", device: "⚙" };
  const names = { receive: t("Receive"), redeem: t("Redeem"), "top-up": t("Top up"), sell: t("Sell"), today: t("Today"), shift: t("Shift"), device: t("Device") };
  nav.replaceChildren(...Object.keys(SCREENS).map((name) => h("a", { href: `#${name}`, "data-screen": name }, h("i", { "aria-hidden": "true" }, icons[name]), h("span", {}, names[name]))));
}

/** On every screen: on, off, or waiting for the first touch, without which a browser stays silent. */
function soundKey() {
  const key = document.getElementById("sound");
  const show = () => {
    const state = soundState();
    key.hidden = false;
    key.dataset.state = state;
    key.setAttribute("aria-label", { on: t("Sound is on. Press to turn it off."), off: t("Sound is off. Press to turn it on."), locked: t("Touch the screen once, then arrivals are heard.") }[state]);
    key.title = key.getAttribute("aria-label");
  };
  key.addEventListener("click", () => switchSound(!soundOn()));
  onSound(show);
  show();
}

function go(name, text) {
  if (location.hash.slice(1) !== name) history.pushState(null, "", `#${name}`);
  open(name, text);
}

function open(name, text) {
  const wanted = SCREENS[name] ? name : "receive";
  if (now && now !== wanted) built[now].hide?.();
  const again = now === wanted;
  now = wanted;
  document.body.dataset.screen = wanted;
  if (!again) place.replaceChildren(h("h1", { class: "visually-hidden" }, built[wanted].title), built[wanted].root);
  for (const link of nav.children) {
    if (link.dataset.screen === wanted) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (wanted === "receive" && text) {
    built.receive.show();
    built.receive.scanned(text);
  } else built[wanted].show?.(text);
}

function showLine() {
  banner.hidden = lineUp && !asking;
  banner.textContent = asking ? t("No answer yet to: %(label)s. The till keeps asking; nothing is done twice. Please wait.", { label: asking })
    : t("No connection. Nothing can be charged or redeemed until it is back.");
  document.body.classList.toggle("asking", Boolean(asking));
}

function toast(text, kind) {
  const made = h("p", { class: `toast ${kind ?? ""}`, role: "status" }, text);
  document.getElementById("toasts").append(made);
  setTimeout(() => made.remove(), kind === "bad" ? 9000 : 5000);
}

function tick() {
  const time = clock(Date.now());
  for (const one of document.querySelectorAll(".ticking")) one.textContent = time;
}

async function keepAwake() {
  const ask = () => document.visibilityState === "visible" && navigator.wakeLock?.request("screen").catch(() => {});
  ask();
  document.addEventListener("visibilitychange", ask);
}

start().catch((error) => {
  if (!(error instanceof NoAnswer) && error.status === undefined) throw error;
});
