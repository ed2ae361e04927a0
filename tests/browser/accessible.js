// What a page must keep so that everybody can use it. Returns what is wrong, in words; [] when nothing is.
() => {
  const wrong = [];
  const shown = (one) => one.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const called = (one) => (one.getAttribute("aria-label") || one.textContent || "").trim()
    || [...one.querySelectorAll("img[alt]")].map((img) => img.alt).join("").trim() || one.title;
  const about = (one) => one.outerHTML.slice(0, 120);

  if (!document.documentElement.lang) wrong.push("the page names no language");
  if (document.title.trim().length < 3) wrong.push("the page has no title");
  if (document.querySelectorAll("main").length !== 1) wrong.push("not exactly one main");
  if (document.querySelectorAll("h1").length !== 1) wrong.push("not exactly one h1");
  const viewport = document.querySelector("meta[name=viewport]")?.content ?? "";
  if (!viewport.includes("width=device-width") || /user-scalable=no|maximum-scale=1(\D|$)/.test(viewport)) {
    wrong.push(`viewport: ${viewport}`);
  }
  let level = 0;
  for (const heading of [...document.querySelectorAll("h1,h2,h3,h4,h5,h6")].filter(shown)) {
    const now = Number(heading.tagName[1]);
    if (level && now > level + 1) wrong.push(`a heading skips a level: ${about(heading)}`);
    if (!heading.textContent.trim()) wrong.push(`an empty heading: ${about(heading)}`);
    level = now;
  }
  for (const img of document.images) {
    if (!img.hasAttribute("alt")) wrong.push(`a picture without alt: ${about(img)}`);
    if (!img.hasAttribute("width") && !img.closest(".written")) wrong.push(`a picture without size: ${about(img)}`);
  }
  for (const one of document.querySelectorAll("a[href],button")) {
    if (shown(one) && !called(one)) wrong.push(`nothing says what it does: ${about(one)}`);
  }
  for (const field of document.querySelectorAll("input:not([type=hidden]),select,textarea")) {
    if (shown(field) && !field.labels?.length && !field.getAttribute("aria-label")) wrong.push(`no label: ${about(field)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  for (const id of new Set(ids.filter((one, at) => ids.indexOf(one) !== at))) wrong.push(`an id twice: ${id}`);
  for (const nav of document.querySelectorAll("nav")) if (!nav.getAttribute("aria-label")) wrong.push(`a nav without a name: ${about(nav)}`);
  for (const one of document.querySelectorAll("[aria-labelledby],[aria-describedby]")) {
    const told = `${one.getAttribute("aria-labelledby") ?? ""} ${one.getAttribute("aria-describedby") ?? ""}`;
    for (const id of told.split(/\s+/).filter(Boolean)) if (!document.getElementById(id)) wrong.push(`names an id that is not there: ${id}`);
  }

  // WCAG AA: 4.5 to 1 for text, 3 to 1 for large text; over pictures and gradients nothing can be told.
  const parse = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((one) => {
      const part = one / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== "none" || style.position === "absolute") return null;
      const [r, g, b, alpha = 1] = parse(style.backgroundColor);
      if (alpha === 1) return [r, g, b];
      if (alpha > 0) return null;
    }
    return [255, 255, 255];
  };
  const seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || seen.has(one) || !shown(one) || one.closest("script,style,svg,[aria-hidden=true]")) continue;
    seen.add(one);
    const below = ground(one);
    if (!below) continue;
    const style = getComputedStyle(one);
    const [a, b] = [light(parse(style.color)), light(below)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) wrong.push(`contrast ${ratio.toFixed(2)}: ${about(one)}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) wrong.push("it is wider than the window");
  if (innerWidth < 500) {
    for (const one of document.querySelectorAll("header a, header button, .button, form input:not([type=hidden]), form button")) {
      const { width, height } = one.getBoundingClientRect();
      if (shown(one) && width && height < 24) wrong.push(`too small for a finger: ${about(one)}`);
    }
  }
  return wrong;
}
