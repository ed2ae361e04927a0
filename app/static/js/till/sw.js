// Keeps the shell and nothing else: an answer about money is never kept. VERSION and KEPT stand above.
const SHELL = "/pos/terminal/";
const PAGES = ["/pos/", SHELL];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(VERSION).then((kept) => kept.addAll(KEPT.map((path) => new Request(path, { cache: "reload" })))).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name !== VERSION) await caches.delete(name);
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== self.location.origin) return;
  if (event.request.mode === "navigate" && PAGES.includes(pathname)) event.respondWith(shell(event));
  else if (KEPT.includes(pathname)) event.respondWith(caches.match(pathname).then((found) => found ?? fetch(event.request)));
});

/** At once from what is kept, and a fresh one for next time (the language may have changed). */
async function shell(event) {
  const kept = await caches.open(VERSION);
  const fresh = fetch(SHELL).then((answer) => (answer.ok ? kept.put(SHELL, answer.clone()).then(() => answer) : answer));
  const found = await kept.match(SHELL);
  if (!found) return fresh;
  event.waitUntil(fresh.catch(() => {}));
  return found;
}
