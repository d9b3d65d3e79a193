// The larger view of one image, with all that is known of it.
const dialog = byId("viewer");
const [viewerName, viewerCount, viewerBody] = ["viewer-name", "viewer-count", "viewer-body"].map(byId);
let shownList = [];
let shownAt = 0;
let whenClosed = () => {};

/** `list`: numbers of images, or elements of the page that are shown as they are where the data is missing. */
function openViewer(list, at, closed) {
  [shownList, whenClosed] = [list, closed];
  showInViewer(at);
  dialog.showModal();
}

async function showInViewer(index) {
  shownAt = (index + shownList.length) % shownList.length;
  const one = shownList[shownAt];
  const [i, element] = one instanceof Element ? [Number(one.dataset.image), one] : [one, null];
  dialog.dataset.image = i; // what serves this page shows it larger
  viewerCount.textContent = `${(shownAt + 1).toLocaleString("en")} of ${shownList.length.toLocaleString("en")}`;
  if (element) showElement(element);
  const rev = page && (await revision(view.at));
  if (!rev || shownList[shownAt] !== one) return;
  viewerName.textContent = images.names[i];
  const facts = make("div", { className: "more" });
  viewerBody.replaceChildren(...[large(i), facts].filter(Boolean));
  dialog.querySelector("[data-map]").hidden = !onMap(i);
  const told = await said(view.at, i);
  if (shownList[shownAt] === one) facts.replaceChildren(...(await factsOf(rev, i, told)));
}

function large(i) {
  const seen = picture(i, true);
  if (seen) Object.assign(seen, { role: "img", ariaLabel: images.names[i] });
  return seen;
}

function showElement(element) {
  viewerName.textContent = element.querySelector(".caption bdi").textContent;
  const parts = [element.querySelector(".pic"), element.querySelector(".more")].filter(Boolean);
  viewerBody.replaceChildren(...parts.map((part) => part.cloneNode(true)));
}

async function factsOf(rev, i, { text, reason }) {
  const rows = make("dl");
  const row = (name, value, element) => {
    if (value) rows.append(make("div", {}, make("dt", { textContent: name }), make("dd", {}, element || make("bdi", { textContent: value }))));
  };
  const failure = rev.failures.get(i);
  row("Image", images.names[i]);
  row("Cluster", rev.clusterName(i));
  row("Label", rev.label.at(i));
  row("Labelled by", rev.labelledBy.at(i));
  row("Confidence", sureness(rev, i));
  row("True class", rev.truth.at(i));
  row("Because", reason === rev.label.at(i) ? "" : reason);
  row("Decided by", rev.by.at(i));
  row("Moved", rev.corrected.has(i) ? "by hand" : "");
  if (failure) row("Failed", `${failure[1]} (${failure[0]}): ${failure[2]}`);
  const others = await Promise.all(page.revisions.map((_, at) => (at === rev.at ? null : revision(at))));
  others.forEach((other) => other && row(`In ${other.id}`, other.clusterName(i)));
  const path = images.path(i);
  row("Path", path, link(path));
  const parts = [rows];
  if (text) parts.unshift(make("p", { className: "text" }, make("bdi", { textContent: text })));
  return parts;
}

/** A link to the file, where its path is one on this machine; a name of another machine is only shown. */
function link(path) {
  const local = /^\/(?!\/)/.test(path) ? path : /^[A-Za-z]:\\/.test(path) ? `/${path.replaceAll("\\", "/")}` : "";
  if (!local || location.protocol !== "file:" || path.includes("\\x") || path.includes("\\u")) return null;
  const href = `file://${local.split("/").map(encodeURIComponent).join("/").replace("%3A", ":")}`;
  return make("a", { href, target: "_blank", rel: "noreferrer" }, make("bdi", { textContent: path }));
}

document.addEventListener("click", (event) => {
  const summary = event.target.closest("details.tile > summary");
  if (!summary) return;
  event.preventDefault();
  const tiles = [...summary.closest("section").querySelectorAll("details.tile")];
  openViewer(tiles, tiles.indexOf(summary.parentElement), (at) => tiles[at].querySelector("summary").focus());
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog || event.target.closest("[data-close]")) return dialog.close();
  const button = event.target.closest("[data-step]");
  if (button) showInViewer(shownAt + Number(button.dataset.step));
  if (event.target.closest("[data-map]")) {
    const one = shownList[shownAt];
    whenClosed = () => {};
    dialog.close();
    pointOut(one instanceof Element ? Number(one.dataset.image) : one);
  }
});
dialog.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step) showInViewer(shownAt + step);
});
dialog.addEventListener("close", () => whenClosed(shownAt));
