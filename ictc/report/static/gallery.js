// The gallery: what is looked for, a page at a time, so that 100,000 images are no more work than 100.
const PAGE = 64;
const form = document.querySelector("#images .tools");
const fields = form && Object.fromEntries([...form.querySelectorAll("[name]")].map((field) => [field.name, field]));
const grid = byId("gallery");
let pageNow = 0;
let choosing = false;

function picture(i, large = false) {
  const letter = images.picture(i);
  if (letter === "0") return null;
  const pixels = letter === "2" ? " pixels" : "";
  if (inline.has(i)) return make("span", { className: `pic t${i}${pixels}` });
  const image = make("img", { src: images.source(i), alt: "", loading: large ? "eager" : "lazy", decoding: "async", className: pixels.trim() });
  image.addEventListener("error", () => image.replaceWith(...instead(i)));
  return image;
}

const inline = new Set(page ? page.inline : []);

/** What stands for an image that cannot be seen. */
function instead(i) {
  const text = make("bdi");
  said(view.at, i).then(({ text: description }) => { text.textContent = shortened(description || label(i) || images.names[i], 160); });
  return [make("span", { className: "words" }, text)];
}

let label = () => "";
const shortened = (text, most) => (text.length > most ? `${text.slice(0, most)}…` : text);
const sureness = (rev, i) => (rev.confidence[i] < 0 ? "" : (rev.confidence[i] / 1e4).toFixed(2));

function tile(rev, i) {
  const seen = picture(i);
  const sure = sureness(rev, i);
  const caption = make("span", { className: "caption" }, make("bdi", { textContent: images.names[i] }));
  if (sure) caption.append(make("span", { className: "conf", textContent: sure }));
  const button = make("button", { type: "button", className: `tile${pictured ? "" : " card"}`, tabIndex: -1, data: { image: i } });
  button.append(...(seen ? [seen] : instead(i)), caption);
  if (rev.wrong(i)) button.prepend(make("span", { className: "wrong", title: "true class" }, make("bdi", { textContent: rev.truth.at(i) })));
  if (rev.corrected.has(i)) button.append(make("span", { className: "byhand", textContent: "moved by hand" }));
  if (rev.failures.has(i)) button.append(make("span", { className: "wrong", textContent: rev.failures.get(i)[1] }));
  const told = [images.names[i], `in ${rev.clusterName(i)}`, rev.label.at(i), sure && `confidence ${sure}`];
  button.setAttribute("aria-label", told.filter(Boolean).join(", "));
  button.setAttribute("aria-pressed", chosen.has(i));
  if (!choosing && !chosen.size) button.removeAttribute("aria-pressed");
  return make("li", { className: `c${colour(rev.cluster[i])}` }, button);
}

const colour = (number) => (number > 0 ? ((number - 1) % 10) + 1 : 0);
let pictured = true;

function showPage(rev, number, focus = -1) {
  const pages = Math.max(1, Math.ceil(found.length / PAGE));
  pageNow = Math.min(Math.max(0, number), pages - 1);
  label = (i) => rev.label.at(i);
  grid.replaceChildren(...found.slice(PAGE * pageNow, PAGE * (pageNow + 1)).map((i) => tile(rev, i)));
  byId("page").value = pageNow + 1;
  byId("page").max = pages;
  byId("pages").textContent = `of ${pages.toLocaleString("en")}`;
  document.querySelector(".pager").hidden = pages < 2;
  for (const button of document.querySelectorAll(".pager [data-page]")) {
    button.disabled = Number(button.dataset.page) < 0 ? pageNow === 0 : pageNow === pages - 1;
  }
  reach(grid.querySelectorAll(".tile")[focus < 0 ? 0 : focus], focus >= 0);
}

const turnTo = async (number, focus) => showPage(await revision(view.at), number, focus);

/** Of all tiles only one is reached by the Tab key; the arrows lead from it to the others. */
function reach(button, focus) {
  if (!button) return;
  for (const other of grid.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
  button.tabIndex = 0;
  if (focus) button.focus();
}

function option(value, text) {
  return make("option", { value, textContent: text });
}

/** The choices that this revision has. */
async function fillForm() {
  const rev = await revision(view.at);
  if (!rev) return;
  pictured = page.revisions.length && [...Array(Math.min(images.names.length, 500)).keys()].some((i) => images.picture(i) !== "0");
  grid.className = pictured ? "grid" : "cards";
  const { cluster, which } = fields;
  cluster.replaceChildren(
    option("", "all clusters"),
    ...rev.clusters.map((c) => option(c.number, `${shortened(c.name, 60)} (${c.size.toLocaleString("en")})`)),
    ...(rev.unassigned ? [option(0, `unassigned (${rev.unassigned.toLocaleString("en")})`)] : []),
    ...(rev.failed ? [option(-2, `failed (${rev.failed.toLocaleString("en")})`)] : []),
    option("several", "several"),
  );
  cluster.lastChild.hidden = true;
  which.replaceChildren(option("all", "all images"));
  if (rev.truth.rows) which.append(option("wrong", "of another true class"));
  if (rev.corrected.size) which.append(option("corrected", `moved by hand (${rev.corrected.size})`));
  if (rev.moved.size) which.append(option("moved", `elsewhere in ${page.revisions[rev.since].id} (${rev.moved.size.toLocaleString("en")})`));
  which.closest("label").hidden = which.options.length < 2;
  form.querySelector(".sure").hidden = !rev.confidence.some((c) => c >= 0);
}

function showForm() {
  const { cluster, which, words, low, high, order } = fields;
  cluster.value = view.clusters.size > 1 ? "several" : [...view.clusters].join();
  [which.value, order.value] = [view.which, view.order];
  if (words !== document.activeElement) words.value = view.words;
  if (low !== document.activeElement) low.value = view.low;
  if (high !== document.activeElement) high.value = view.high;
}

/** What else narrows the images, each with a button that takes it away. */
function showNarrowed(rev) {
  const chip = (text, change) =>
    make("li", {}, make("button", { type: "button", textContent: `${text} ×`, ariaLabel: `No longer only: ${text}`, onclick: () => look(change) }));
  const chips = [];
  if (view.clusters.size > 1) chips.push(chip(`${view.clusters.size} clusters`, { clusters: new Set() }));
  if (view.among) chips.push(chip("in the box on the map", { among: null }));
  if (view.cross) {
    const other = page.revisions[view.cross.at];
    const name = other.clusters.find((c) => c.number === view.cross.cluster)?.name ?? "unassigned";
    chips.push(chip(`${other.id}: ${shortened(name, 60)}`, { cross: null }));
  }
  if (narrowed()) {
    const none = { words: "", clusters: new Set(), which: "all", low: 0, high: 1, among: null, cross: null };
    chips.push(make("li", {}, make("button", { type: "button", className: "none", textContent: "Show all", onclick: () => look(none) })));
  }
  byId("narrowed").replaceChildren(...chips);
  byId("images").classList.toggle("narrowed", narrowed());
  const total = rev.cluster.reduce((n, c) => n + (c !== -1), 0);
  byId("found").textContent = narrowed() ? `${found.length.toLocaleString("en")} of ${many(total, "image", "images")}` : many(total, "image", "images");
}

function startGallery() {
  let pause;
  form.addEventListener("input", ({ target }) => {
    clearTimeout(pause);
    const value = Number(target.value);
    const changes = {
      words: () => ({ words: target.value }),
      cluster: () => ({ clusters: new Set(target.value === "" ? [] : [value]) }),
      which: () => ({ which: target.value }),
      order: () => ({ order: target.value }),
      low: () => ({ low: Number.isFinite(value) ? value : 0 }),
      high: () => ({ high: target.value === "" || !Number.isFinite(value) ? 1 : value }),
    };
    pause = setTimeout(() => look(changes[target.name]()), target.name === "words" ? 150 : 0);
  });
  byId("page").addEventListener("change", ({ target }) => turnTo(Number(target.value) - 1));
  document.querySelector(".pager").addEventListener("click", ({ target }) => {
    if (!target.dataset.page) return;
    turnTo(pageNow + Number(target.dataset.page));
    byId("images").scrollIntoView();
  });
  byId("choose").addEventListener("click", ({ target }) => {
    choosing = !choosing;
    target.setAttribute("aria-pressed", choosing);
    turnTo(pageNow);
  });
  grid.addEventListener("click", (event) => {
    const button = event.target.closest(".tile");
    if (!button) return;
    const i = Number(button.dataset.image);
    reach(button);
    if (choosing || event.ctrlKey || event.metaKey) return choose([i], !chosen.has(i));
    openViewer(found, found.indexOf(i), backTo);
  });
  grid.addEventListener("keydown", walk);
  listen("ictc:view", ({ revision: rev }) => { showForm(); showNarrowed(rev); showPage(rev, 0); });
  listen("ictc:revision", fillForm);
  listen("ictc:missing", () => {
    const note = byId("missing");
    note.querySelector("code").textContent = page.folder.split("/")[0];
    note.hidden = false;
    for (const part of document.querySelectorAll("#images .tools, #images .found, #images .pager, #images .more-note, #cross")) part.hidden = true;
  });
  listen("ictc:selection", ({ images: all }) => {
    for (const button of grid.querySelectorAll(".tile")) button.setAttribute("aria-pressed", chosen.has(Number(button.dataset.image)));
    const told = byId("picked");
    told.replaceChildren();
    if (!all.length) return;
    const copy = make("button", { type: "button", textContent: "Copy names", onclick: () => copyNames(copy) });
    told.append(`${all.length.toLocaleString("en")} selected `, copy, make("button", { type: "button", textContent: "None", onclick: () => choose([...chosen], false) }));
  });
}

/** The focus goes to the image that was looked at last, on whichever page it is. */
function backTo(at) {
  const [number, of] = [Math.floor(at / PAGE), at % PAGE];
  number === pageNow ? reach(grid.querySelectorAll(".tile")[of], true) : turnTo(number, of);
}

async function copyNames(button) {
  await navigator.clipboard.writeText([...chosen].map((i) => images.names[i]).join("\n"));
  button.textContent = "Copied";
}

/** Arrow keys in the grid. */
function walk(event) {
  const tiles = [...grid.querySelectorAll(".tile")];
  const now = tiles.indexOf(document.activeElement);
  if (now < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "x") {
    const i = Number(tiles[now].dataset.image);
    return choose([i], !chosen.has(i));
  }
  const across = tiles.filter((t) => t.offsetTop === tiles[0].offsetTop).length;
  const to = { ArrowLeft: now - 1, ArrowRight: now + 1, ArrowUp: now - across, ArrowDown: now + across, Home: 0, End: tiles.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  if (tiles[to]) return reach(tiles[to], true);
  const next = pageNow + (to < 0 ? -1 : 1);
  if (next >= 0 && next * PAGE < found.length) turnTo(next, to < 0 ? PAGE - 1 : 0);
}
