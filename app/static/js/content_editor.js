// The text of an item as it will look (wangEditor), and the cover picture. The form works without.
(() => {
  "use strict";
  const form = document.querySelector(".content-form");
  if (!form) return;
  const token = form.querySelector("[name=csrf_token]").value;
  const upload = async (file) => {
    const body = new FormData();
    body.append("file", file);
    const answer = await fetch(form.dataset.upload, {
      method: "POST", body, credentials: "same-origin",
      headers: { "X-CSRFToken": token, Accept: "application/json" },
    });
    const said = await answer.json().catch(() => ({ errno: 1, message: form.dataset.failed }));
    if (said.errno) throw new Error(said.message);
    return said.data;
  };
  const tell = (message) => {
    let place = form.querySelector(".problem");
    if (!place) {
      place = document.createElement("p");
      place.className = "problem";
      place.setAttribute("role", "alert");
      form.prepend(place);
    }
    place.textContent = message;
    place.scrollIntoView({ block: "center" });
  };

  // Pictures of other sites would not be saved, and asking for them would tell those sites of us.
  // A copied picture that comes as a file is uploaded by the editor itself.
  const pasteWithoutForeignPictures = (editor, clipboard) => {
    const html = clipboard.getData("text/html");
    if (!html || (clipboard.files.length && !clipboard.getData("text/plain"))) return true;
    const pasted = new DOMParser().parseFromString(html, "text/html");
    const foreign = [...pasted.images].filter((picture) => !isOurs(picture.getAttribute("src") ?? ""));
    if (!foreign.length) return true;
    for (const picture of foreign) picture.remove();
    if (!editor.selection) editor.focus(true); // Pasted at once after a click: it has no place yet.
    editor.dangerouslyInsertHtml(pasted.body.innerHTML);
    tell(form.dataset.picturesLeft);
    return false;
  };
  const isOurs = (address) => {
    try {
      return new URL(address, location.href).origin === location.origin;
    } catch {
      return false;
    }
  };

  const box = form.querySelector("textarea[name=body_html]");
  if (box && window.wangEditor) {
    const { createEditor, createToolbar, i18nChangeLanguage } = window.wangEditor;
    i18nChangeLanguage(form.dataset.lang);
    const frame = document.createElement("div");
    frame.className = "editor";
    const bar = document.createElement("div");
    bar.className = "editor-bar";
    const page = document.createElement("div");
    page.className = "editor-page";
    frame.append(bar, page);
    box.after(frame);
    box.hidden = true;
    const editor = createEditor({
      selector: page,
      html: box.value || "<p><br></p>",
      config: {
        placeholder: form.dataset.placeholder,
        autoFocus: false,
        scroll: false,
        onChange: (changed) => { box.value = changed.isEmpty() ? "" : changed.getHtml(); },
        customAlert: (message) => tell(message),
        customPaste: (editor, event) => pasteWithoutForeignPictures(editor, event.clipboardData),
        MENU_CONF: {
          uploadImage: {
            async customUpload(file, insert) {
              try {
                const picture = await upload(file);
                insert(picture.url, picture.alt, "");
              } catch (problem) {
                tell(problem.message);
              }
            },
          },
        },
      },
    });
    createToolbar({
      editor,
      selector: bar,
      config: {
        toolbarKeys: ["headerSelect", "bold", "italic", "underline", "through", "color", "bgColor", "|",
          "bulletedList", "numberedList", "justifyLeft", "justifyCenter", "justifyRight", "blockquote", "|",
          "insertLink", "uploadImage", "insertTable", "divider", "|", "undo", "redo", "clearStyle", "fullScreen"],
      },
    });
    form.addEventListener("submit", (event) => {
      if (box.value.length > 100000) {
        event.preventDefault();
        tell(form.dataset.tooLong);
      }
    });
    window.contentEditor = editor;
    form.dataset.ready = "yes";
  }

  const cover = form.querySelector("select[name=cover_id]");
  const place = form.querySelector("[data-cover]");
  const choose = form.querySelector("[data-cover-upload]");
  if (!cover || !place) return;
  const addresses = new Map();
  for (const one of form.querySelectorAll("[data-pictures] li")) addresses.set(one.dataset.id, one.dataset.url);
  const show = () => {
    const address = addresses.get(cover.value);
    place.hidden = !address;
    place.replaceChildren();
    if (!address) return;
    const picture = document.createElement("img");
    picture.src = address;
    picture.alt = "";
    place.append(picture);
  };
  cover.closest(".field").append(place, choose);
  choose.hidden = false;
  cover.addEventListener("change", show);
  choose.querySelector("input").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (!file) return;
    try {
      const picture = await upload(file);
      addresses.set(picture.id, picture.thumb);
      cover.add(new Option(picture.name, picture.id, true, true), 1);
      cover.value = picture.id;
      show();
    } catch (problem) {
      tell(problem.message);
    }
  });
  show();
})();
