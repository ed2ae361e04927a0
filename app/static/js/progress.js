// Moves a progress bar while a job works, and shows the page anew when it is done.
(() => {
  "use strict";
  const PAUSE_MS = 1000;
  for (const bar of document.querySelectorAll("progress[data-url]")) {
    const count = document.getElementById(bar.dataset.count);
    const state = document.getElementById(bar.dataset.state);
    const look = async () => {
      try {
        const answer = await fetch(bar.dataset.url, { credentials: "same-origin" });
        if (!answer.ok) throw new Error(String(answer.status));
        const seen = await answer.json();
        bar.max = seen.total;
        bar.value = seen.done;
        if (state) state.textContent = seen.label;
        if (count) count.textContent = seen.done.toLocaleString();
        if (!["requested", "making"].includes(seen.status)) {
          location.reload();
          return;
        }
      } catch {
        // The server is away for a moment; the next look says more.
      }
      setTimeout(look, PAUSE_MS);
    };
    setTimeout(look, PAUSE_MS);
  }
})();
