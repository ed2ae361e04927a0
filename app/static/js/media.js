// Pictures dropped onto the library are sent at once, one after the other.
(() => {
  "use strict";
  const form = document.querySelector("[data-drop]");
  if (!form) return;
  const status = form.querySelector("[data-progress]");
  const send = async (files) => {
    const problems = [];
    let number = 0;
    for (const file of files) {
      number += 1;
      status.textContent = `${number} / ${files.length} · ${file.name}`;
      const body = new FormData();
      body.append("file", file);
      try {
        const answer = await fetch(form.action, {
          method: "POST", body, credentials: "same-origin",
          headers: { "X-CSRFToken": form.querySelector("[name=csrf_token]").value, Accept: "application/json" },
        });
        const said = await answer.json();
        if (said.errno) problems.push(said.message);
      } catch {
        problems.push(file.name);
      }
    }
    if (problems.length) status.textContent = problems.join(" ");
    else window.location.reload();
  };
  for (const name of ["dragover", "dragenter"]) {
    form.addEventListener(name, (event) => { event.preventDefault(); form.classList.add("over"); });
  }
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    if (event.dataTransfer.files.length) send([...event.dataTransfer.files]);
  });
})();
