// What was sent and has not been answered yet. It is written down before it is sent, so that
// neither a dead battery nor a reload can make the till forget what it asked for.
const STORE = "kaquan.till.sent";

/** A fresh request: its key, where to, what, what to call it, by whom. What names a colleague's
 * PIN or password is kept in memory only; after a reload a person looks what became of it. */
export function keep(path, body, label, who) {
  const made = { key: newKey(), path, body, label, who, at: Date.now() };
  write([...unanswered(), body.approver || body.successor ? { ...made, body: null } : made]);
  return made;
}

export function forget(key) {
  write(unanswered().filter((one) => one.key !== key));
}

export function unanswered() {
  try {
    const kept = JSON.parse(localStorage.getItem(STORE) ?? "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

function write(list) {
  localStorage.setItem(STORE, JSON.stringify(list));
}

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `till-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
