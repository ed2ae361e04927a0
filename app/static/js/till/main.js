// The frame around the screens: who is signed in, the way between screens, and the truth about the line.
import { get, NoAnswer, onAsking, openSession, pause, settle, signedInAs } from "./api.js";
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
import { announce, unlock } from "./voice.js";
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

const till = {
  me: null,
  go,
  toast,
  flash: () => {
    document.body.classList.remove("arrived");
    requestAnimationFrame(() => document.body.classList.add("arrived"));
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
  if (!session.signed_in) return stranger();
  till.me = await reach(() => get("/me"));
  signedInAs(till.me.username);
  document.getElementById("place").textContent = till.me.store?.name ?? till.me.username;
  if (!till.me.store) {
    place.replaceChildren(h("div", { class: "panel" }, h("p", {}, t("The till belongs to a store. Sign in as one of its staff.")), h("a", { class: "button", href: "/console/" }, t("To the console"))));
    return undefined;
  }
  menu();
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
  }, line: (up, error) => {
    if (error?.status === 401) stranger();
    lineUp = up || Boolean(error?.status);
    showLine();
  } });
  await lookBack();
  return undefined;
}

/** Try until the server answers; meanwhile the banner says so. */
async function reach(call) {
  for (;;) {
    try {
      const answer = await call();
      lineUp = true;
      showLine();
      return answer;
    } catch (error) {
      if (!(error instanceof NoAnswer) && error.status < 500) {
        if (error.status === 401) stranger();
        else toast(error.detail, "bad");
        throw error;
      }
      lineUp = false;
      showLine();
      await pause(2000);
    }
  }
}

/** Nobody is signed in: an enrolled device asks for a PIN, another goes to the sign-in page. */
function stranger() {
  if (location.pathname.startsWith("/pos/terminal/") || device.terminalToken()) {
    built.device = device.build({ ...till, me: null });
    place.replaceChildren(built.device.root);
    built.device.show();
  } else location.assign("/login/?next=/pos/");
}

/** What an earlier visit sent without hearing what became of it. */
async function lookBack() {
  for (const one of keys.unanswered()) {
    if (one.who !== till.me.username || Date.now() - one.at > STALE) {
      await decide(one);
      continue;
    }
    try {
      await settle(one);
      toast(t("%(label)s: it was done.", { label: one.label }), "good");
    } catch (error) {
      toast(t("%(label)s: it was not done. %(why)s", { label: one.label, why: error.detail ?? "" }), "bad");
    }
  }
}

/** Too old, or somebody else's, to be asked about by itself: a person looks and decides. */
function decide(one) {
  return new Promise((decided) => {
    const mine = one.who === till.me.username;
    const sheet = dialog(t("Not answered: %(label)s", { label: one.label }), h("div", { class: "stack" },
      h("p", {}, t("Sent at %(time)s by %(who)s, and no answer was heard. Look at Today whether it is there.", { time: clock(one.at), who: one.who })),
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
