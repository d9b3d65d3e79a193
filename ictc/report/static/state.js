// What is looked for among the images, and which are chosen. Whoever changes it tells; whoever shows it listens:
// "ictc:view" when another set of images is shown, "ictc:revision" when another revision is,
// "ictc:selection" (detail: {images, clusters}) when other images or clusters are chosen.
const view = {
  at: page ? page.current : 0,
  words: "", clusters: new Set(), which: "all", low: 0, high: 1, order: "sure",
  among: null, // numbers of the images in a box on the map
  cross: null, // {at, cluster}: also in that cluster of another revision
};
const chosen = new Set();
let found = []; // the images that are looked for, in order

const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));
const listen = (name, action) => document.addEventListener(name, (event) => action(event.detail));

const narrowed = () =>
  Boolean(view.words || view.clusters.size || view.which !== "all" || view.low > 0 || view.high < 1 || view.among || view.cross);

let asked = 0;

/** Look again, with these changes. */
async function look(changes = {}) {
  Object.assign(view, changes);
  const mine = ++asked;
  const rev = await revision(view.at);
  if (mine !== asked) return;
  if (!rev) return tell("ictc:missing");
  const hits = await matching(rev, () => mine !== asked);
  if (!hits) return;
  found = await ordered(rev, hits);
  tell("ictc:view", { revision: rev, images: found });
}

/** Numbers of the images that fit, ascending; null where something else was asked meanwhile. */
async function matching(rev, stale) {
  const { cluster, confidence } = rev;
  const [low, high] = [Math.round(view.low * 1e4), Math.round(view.high * 1e4)];
  const sure = low > 0 || high < 1e4;
  const other = view.cross ? await revision(view.cross.at) : null;
  const which = { corrected: rev.corrected, moved: rev.moved }[view.which];
  const hits = [];
  for (let i = 0; i < cluster.length; i++) {
    if (cluster[i] === -1) continue;
    if (view.clusters.size && !view.clusters.has(cluster[i])) continue;
    if (sure && (confidence[i] < 0 || confidence[i] < low || confidence[i] > high)) continue;
    if (which && !which.has(i)) continue;
    if (view.which === "wrong" && !rev.wrong(i)) continue;
    if (view.among && !view.among.has(i)) continue;
    if (other && other.cluster[i] !== view.cross.cluster) continue;
    hits.push(i);
  }
  const wanted = fold(view.words).split(/\s+/).filter(Boolean);
  return wanted.length ? searched(rev, hits, wanted, stale) : hits;
}

const fold = (text) => text.toLowerCase().normalize("NFC");
const folded = new Map(); // block name -> its lines, folded: what was once searched is searched at once

async function foldedBlock(name) {
  if (!folded.has(name)) folded.set(name, name ? fold((await piece(name)) || "").split("\n") : []);
  return folded.get(name);
}

/** Those of `hits` of which all the words are said: in name, label, cluster, description or reason. */
async function searched(rev, hits, wanted, stale) {
  const short = (i) => `${images.names[i]}\n${rev.label.at(i)}\n${rev.clusterName(i)}\n${rev.truth.at(i)}\n`;
  const kept = [];
  let [number, texts, reasons] = [-1, [], []];
  for (const block of new Set(hits.map((i) => Math.floor(i / page.block)))) { // all at once: a disk is quick, waiting is not
    for (const names of [rev.texts, rev.reasons]) if (names[block]) piece(names[block]);
  }
  for (const i of hits) {
    if (Math.floor(i / page.block) !== number) {
      number = Math.floor(i / page.block);
      [texts, reasons] = await Promise.all([foldedBlock(rev.texts[number]), foldedBlock(rev.reasons[number])]);
      if (stale()) return null;
    }
    const of = i % page.block;
    const own = fold(short(i));
    if (wanted.every((word) => own.includes(word) || texts[of]?.includes(word) || reasons[of]?.includes(word))) kept.push(i);
  }
  return kept;
}

async function ordered(rev, hits) {
  const { cluster, confidence } = rev;
  const name = (a, b) => compareNames(images.names[a], images.names[b]);
  // what a model named itself has no confidence, and stands before all that has; failed images come last
  const sure = (i) => (cluster[i] === -2 ? -2 : confidence[i] < 0 ? (cluster[i] > 0 ? 10001 : -1) : confidence[i]);
  const size = (i) => rev.named.get(cluster[i])?.size ?? 0;
  const by = {
    name,
    sure: (a, b) => sure(b) - sure(a) || a - b,
    unsure: (a, b) => sure(a) - sure(b) || a - b,
    large: (a, b) => size(b) - size(a) || cluster[a] - cluster[b] || sure(b) - sure(a) || a - b,
    small: (a, b) => size(a) - size(b) || cluster[a] - cluster[b] || sure(b) - sure(a) || a - b,
  };
  return hits.sort(by[view.order]);
}

const collator = new Intl.Collator("en", { numeric: true });
const compareNames = (a, b) => collator.compare(a, b);

/** Choose images, or no longer; what serves this page adds to it what can be done with them. */
function choose(which, on) {
  for (const i of which) on ? chosen.add(i) : chosen.delete(i);
  tell("ictc:selection", { images: [...chosen], names: [...chosen].map((i) => images.names[i]), clusters: [...view.clusters] });
}
