// A batch's page asks every second how far its work has come, and shows the end when it is reached.
(() => {
  "use strict";
  const place = document.querySelector("[data-progress]");
  if (!place) return;
  const bar = place.querySelector("progress");
  const done = place.querySelector("[data-done]");
  const numbers = new Intl.NumberFormat("en-US");
  const ask = () => {
    fetch(place.dataset.progress, { credentials: "same-origin" })
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(answer.status))))
      .then((now) => {
        if (!now.busy) {
          window.location.reload();
          return;
        }
        const value = now.status === "generating" ? now.generated : now.tasks[0].position;
        bar.value = value;
        done.textContent = numbers.format(value);
        window.setTimeout(ask, 1000);
      })
      .catch(() => window.setTimeout(ask, 5000));
  };
  window.setTimeout(ask, 1000);
})();
