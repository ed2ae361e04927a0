// Tells our own server that this page was read, and for how long. No cookie, no id, no other host.
(() => {
  "use strict";
  if (navigator.doNotTrack === "1" || navigator.globalPrivacyControl) return;
  const place = "/api/v1/page-views";
  const campaign = new URLSearchParams(location.search).get("utm_campaign") ?? "";
  const keyword = new URLSearchParams(location.search).get("utm_term") ?? "";
  let shownAt = performance.now();
  let seconds = 0;

  function tell(visit) {
    fetch(place, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ face: "site", items: [{ path: location.pathname, ...visit }] }),
      keepalive: true,
      credentials: "omit",
    }).catch(() => {});
  }

  tell({ kind: "view", referrer: document.referrer, campaign, keyword });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      shownAt = performance.now();
      return;
    }
    seconds = Math.round((performance.now() - shownAt) / 1000);
    if (seconds > 0) tell({ kind: "leave", seconds });
  });
})();
