// Every call to the server. A call that moves money is kept under its key until it is answered.
import * as keys from "./keys.js";
import { chinese, t } from "./text.js";

const API = "/pos/api";
const TIMEOUT = 12_000;
const AGAIN = [600, 1500, 3000, 5000];
const SOON = 5;  // Seconds that a till waits by itself when it is told to come back later.
const watchers = new Set();
let signedOut = () => {};
let csrf = "";
let whoami = "";

/** A refusal in words: `status`, `code`, `detail`, and what else came with it. */
export class Refused extends Error {
  constructor(problem) {
    super(problem.detail);
    Object.assign(this, problem);
  }
}

/** No answer came. Whether anything happened is not known. */
export class NoAnswer extends Error {}

/** Call `told()` when the server knows nobody behind this browser any more. */
export function onSignedOut(told) {
  signedOut = told;
}

/** Tell `watch({asking, label})` while an answer is missing. */
export function onAsking(watch) {
  watchers.add(watch);
}

export async function openSession() {
  const seen = await send("/pos/session", { method: "GET" });
  csrf = seen.csrf_token;
  return seen;
}

export function signedInAs(name) {
  whoami = name;
}

export function get(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value != null);
  const tail = given.length ? `?${new URLSearchParams(given)}` : "";
  return send(API + path + tail, { method: "GET" });
}

/** A call that changes nothing twice (a look-up, a terminal's enrolment). */
export function post(path, body, headers = {}) {
  return send(path.startsWith("/pos/") ? path : API + path, { method: "POST", body, headers });
}

export function remove(path) {
  return send(path, { method: "DELETE" });
}

export function put(path, body) {
  return send(API + path, { method: "PUT", body });
}

export async function picture(text) {
  const answer = await fetch(`${API}/qr.svg?${new URLSearchParams({ text })}`);
  if (!answer.ok) throw new NoAnswer();
  return `data:image/svg+xml,${encodeURIComponent(await answer.text())}`;
}

/** Move money once: kept, sent, and asked about until the server has said what became of it. */
export function money(path, body, label) {
  const asked = keys.keep(path, body, label, whoami);
  return settle(asked);
}

/** Send what is kept under its own key until it is answered. */
export async function settle(asked) {
  for (let turn = 0; ; turn += 1) {
    try {
      const headers = { "Idempotency-Key": asked.key };
      const answer = await send(API + asked.path, { method: "POST", body: asked.body, headers });
      finish(asked);
      return answer;
    } catch (error) {
      if (turn > 0 && [400, 401, 403].includes(error.status)) {
        // Signed out while an answer was missing: it says nothing about the first sending.
        tell({ asking: false, label: asked.label });
        throw new NoAnswer(t("You were signed out before an answer came. Sign in again, then the till asks what became of it."));
      }
      if (!isUnsettled(error, turn)) {
        finish(asked);
        throw error;
      }
      tell({ asking: true, label: asked.label });
      await pause(Math.max(AGAIN[Math.min(turn, AGAIN.length - 1)], 1000 * (error.wait ?? 0)));
    }
  }
}

function finish(asked) {
  keys.forget(asked.key);
  tell({ asking: false, label: asked.label });
}

/** Whether what became of it is still open. Told to wait at the first sending, nothing was done:
 * a short wait is the till's, a long one (a guessed password) is for a person to know. */
function isUnsettled(error, turn) {
  if (error instanceof NoAnswer || error.status >= 500 || error.code === "request_in_progress") return true;
  return error.status === 429 && (turn > 0 || error.wait > 0 && error.wait <= SOON);
}

async function send(address, { method, body, headers = {} }) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), TIMEOUT);
  let answer;
  let told;
  try {
    answer = await fetch(address, {
      method,
      signal: stop.signal,
      cache: "no-store",
      credentials: "same-origin",
      headers: {
        "Accept-Language": chinese ? "zh-CN" : "en",
        ...(method === "GET" ? {} : { "X-CSRFToken": csrf }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    told = await answer.text();
  } catch {
    throw new NoAnswer();
  } finally {
    clearTimeout(timer);
  }
  let parsed = null;
  try {
    parsed = told === "" ? null : JSON.parse(told);
  } catch {
    if (answer.status < 400) throw new NoAnswer();  // A captive portal, not our server.
  }
  if (answer.ok) return parsed;
  if (answer.status === 401 && parsed?.code === "unauthenticated") signedOut();
  const wait = Number(answer.headers.get("Retry-After")) || 0;
  throw new Refused({ ...(parsed ?? { detail: `HTTP ${answer.status}` }), status: answer.status, wait });
}

function tell(news) {
  watchers.forEach((watch) => watch(news));
}

export function pause(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}
