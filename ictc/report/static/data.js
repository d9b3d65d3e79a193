// The data of the page: pieces that lie within it, or scripts in the folder beside it that are run when they are needed.
const byId = (id) => document.getElementById(id);
document.documentElement.classList.add("script");

function make(tag, properties, ...children) {
  const { data, ...rest } = properties || {};
  const element = Object.assign(document.createElement(tag), rest);
  Object.assign(element.dataset, data);
  element.append(...children);
  return element;
}

const page = byId("page-data") ? JSON.parse(byId("page-data").textContent) : null;
const pieces = new Map();
const awaited = new Map();
window.ictcData = (name, value) => awaited.get(name)?.(value);

/** The piece of that name; null where it is missing, as in a page without its folder. */
function piece(name) {
  if (!pieces.has(name)) pieces.set(name, byId(`data-${name}`) ? Promise.resolve(within(name)) : beside(name));
  return pieces.get(name);
}

function within(name) {
  const element = byId(`data-${name}`);
  const value = JSON.parse(element.textContent);
  element.remove();
  return value;
}

function beside(name) {
  if (!page.folder) return Promise.resolve(null);
  return new Promise((resolve) => {
    const script = make("script", { src: `${page.folder}${name}.js`, async: true });
    script.nonce = page.nonce;
    const done = (value) => { awaited.delete(name); script.remove(); resolve(value); };
    awaited.set(name, done);
    script.onerror = () => done(null);
    document.head.append(script);
  });
}

const lines = (text) => (text ? text.split("\n") : []);
const many = (count, one, more) => `${count.toLocaleString("en")} ${count === 1 ? one : more}`;

function numbers(text, Kind) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Kind(bytes.buffer);
}

/** A column of texts: `at(i)` is that of image i, "" where it has none. */
function words(column) {
  if (!column || !column.rows) return { at: () => "", all: [], rows: null };
  const [rows, all] = [numbers(column.rows, Int32Array), lines(column.words)];
  return { rows, all, at: (i) => (rows[i] < 0 ? "" : all[rows[i]]) };
}

let images = null; // names, paths and pictures of all images, once they are read

async function readImages() {
  if (images) return images;
  const found = await piece(page.images);
  if (!found) return null;
  const names = lines(found.names);
  images = {
    names,
    picture: (i) => found.pictured[i],
    source: (i) => `${page.pictures}${found.keys.substr(18 * i, 2)}/${found.keys.substr(18 * i + 2, 16)}.jpg`,
    path: (i) => (found.files[i] === "1" ? found.paths[i] || found.root + names[i] : ""),
  };
  return images;
}

const revisionsRead = new Map();

/** All columns of a revision; null where they are missing. */
function revision(at) {
  if (!revisionsRead.has(at)) revisionsRead.set(at, readRevision(at));
  return revisionsRead.get(at);
}

async function readRevision(at) {
  const [all, found] = await Promise.all([readImages(), piece(page.revisions[at].columns)]);
  if (!all || !found) return null;
  const told = page.revisions[at];
  const named = new Map(told.clusters.map((c) => [c.number, c]));
  const truth = words(found.truth);
  const failures = new Map(found.failures.map(([i, ...rest]) => [i, rest]));
  const cluster = numbers(found.cluster, Int16Array);
  return {
    ...told, at, named, truth, failures, cluster,
    confidence: numbers(found.confidence, Int16Array),
    label: words(found.label), by: words(found.by), labelledBy: words(found.labelledBy),
    corrected: new Set(found.corrected), moved: new Set(found.moved),
    clusterName: (i) => ({ "-2": "failed", "-1": "not in this revision", 0: "unassigned" })[cluster[i]] ?? named.get(cluster[i]).name,
    wrong: (i) => Boolean(truth.at(i)) && told.matched[truth.at(i)] !== cluster[i],
  };
}

/** `names`: of the blocks; none where no image has such a text. */
async function fromBlock(names, i) {
  const name = names[Math.floor(i / page.block)];
  const block = (name && (await piece(name))?.split("\n")) || [];
  return (block[i % page.block] || "").replaceAll("\r", "\n");
}

/** What was said of an image: {text, reason}. */
async function said(at, i) {
  const told = page.revisions[at];
  const [text, reason] = await Promise.all([fromBlock(told.texts, i), fromBlock(told.reasons, i)]);
  return { text, reason };
}
