// Watches files being made: the table is asked for again until nothing waits any more.
(() => {
  "use strict";
  const place = document.getElementById("files");
  if (!place) return;
  const busy = () => place.querySelector(".state.waiting") !== null;
  const look = async () => {
    try {
      const answer = await fetch(place.dataset.rows, { credentials: "same-origin" });
      if (answer.ok && !answer.redirected) place.innerHTML = await answer.text();
    } catch {
      // The next look may succeed.
    }
    if (busy()) setTimeout(look, 1500);
  };
  if (busy()) setTimeout(look, 1000);
  place.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  });
})();
