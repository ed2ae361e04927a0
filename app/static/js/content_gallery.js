// The pictures of goods and solutions in their order: thumbnails in place of their numbers.
(() => {
  "use strict";
  const form = document.querySelector(".content-form");
  const box = form?.querySelector("input[name=picture_ids]");
  const gallery = form?.querySelector("[data-gallery]");
  if (!box || !gallery) return;
  const token = form.querySelector("[name=csrf_token]").value;
  const strip = gallery.querySelector("ol");
  const choose = gallery.querySelector("select");
  const file = gallery.querySelector("input[type=file]");
  const most = Number(gallery.dataset.most);
  const known = new Map();
  const learn = (id, picture) => {
    if (!known.has(id)) choose.add(new Option(picture.name, id));
    known.set(id, picture);
  };
  for (const { dataset } of form.querySelectorAll("[data-pictures] li")) {
    learn(dataset.id, { url: dataset.url, name: dataset.name, alt: dataset.alt });
  }
  let ids = box.value.split(/[\s,，、]+/).filter(Boolean);

  const button = (sign, words, name, enabled, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "button quiet";
    made.textContent = sign;
    made.disabled = !enabled;
    made.setAttribute("aria-label", words.replace("%s", name));
    made.addEventListener("click", act);
    return made;
  };
  const swap = (place, other) => {
    [ids[place], ids[other]] = [ids[other], ids[place]];
    draw();
    const buttons = [...strip.children[other].querySelectorAll("button")];
    const pressed = buttons[other < place ? 0 : 1];
    (pressed.disabled ? buttons.find((one) => !one.disabled) : pressed).focus();
  };
  const line = (id, place) => {
    const picture = known.get(id) ?? { url: "", name: id, alt: "" };
    const item = document.createElement("li");
    const seen = document.createElement("img");
    seen.src = picture.url;
    seen.alt = picture.alt || picture.name;
    const words = document.createElement("span");
    words.textContent = picture.alt || `${picture.name} · ${gallery.dataset.mute}`;
    words.className = picture.alt ? "soft" : "soft mute";
    const { earlier, later, away } = gallery.dataset;
    const steps = document.createElement("span");
    steps.className = "gallery-steps";
    steps.append(
      button("←", earlier, picture.name, place > 0, () => swap(place, place - 1)),
      button("→", later, picture.name, place < ids.length - 1, () => swap(place, place + 1)),
      button("✕", away, picture.name, true, () => { ids.splice(place, 1); draw(); choose.focus(); }),
    );
    item.append(seen, words, steps);
    return item;
  };
  const draw = () => {
    strip.replaceChildren(...ids.map(line));
    box.value = ids.join(", ");
    choose.disabled = file.disabled = ids.length >= most;
    for (const option of choose.options) option.disabled = ids.includes(option.value);
    choose.value = "";
  };
  const add = (id) => {
    if (id && !ids.includes(id) && ids.length < most) ids.push(id);
    draw();
  };
  const upload = async (one) => {
    const body = new FormData();
    body.append("file", one);
    const answer = await fetch(form.dataset.upload, {
      method: "POST", body, credentials: "same-origin",
      headers: { "X-CSRFToken": token, Accept: "application/json" },
    });
    const said = await answer.json().catch(() => ({ errno: 1, message: form.dataset.failed }));
    if (said.errno) throw new Error(said.message);
    learn(said.data.id, { url: said.data.thumb, name: said.data.name, alt: said.data.alt });
    add(said.data.id);
  };
  const tell = (message) => {
    let place = gallery.querySelector(".problem");
    if (!place) {
      place = document.createElement("p");
      place.className = "problem";
      place.setAttribute("role", "alert");
      gallery.append(place);
    }
    place.textContent = message;
  };

  choose.addEventListener("change", () => add(choose.value));
  file.addEventListener("change", async () => {
    const files = [...file.files];
    file.value = "";
    gallery.querySelector(".problem")?.remove();
    for (const one of files) {
      if (ids.length >= most) break;
      try {
        await upload(one);
      } catch (problem) {
        tell(`${one.name}: ${problem.message}`);
      }
    }
  });
  box.hidden = true;
  box.after(gallery);
  gallery.hidden = false;
  draw();
})();
