// Asks the browser where the visitor is, and shows the stores around. Without it there are the cities.
(() => {
  "use strict";
  const button = document.querySelector("[data-near]");
  const words = document.querySelector("[data-near-words]");
  if (!button || !navigator.geolocation) return;
  button.hidden = false;

  button.addEventListener("click", () => {
    words.hidden = true;
    button.setAttribute("aria-busy", "true");
    navigator.geolocation.getCurrentPosition(show, refuse, { timeout: 10_000, maximumAge: 60_000 });
  });

  function show({ coords }) {
    // A thousandth of a degree is about a hundred metres: near enough for a shop, no more than that.
    const at = `${coords.latitude.toFixed(3)},${coords.longitude.toFixed(3)}`;
    location.assign(`${button.dataset.near}?at=${encodeURIComponent(at)}`);
  }

  function refuse() {
    button.removeAttribute("aria-busy");
    words.textContent = button.dataset.refused;
    words.hidden = false;
  }
})();
