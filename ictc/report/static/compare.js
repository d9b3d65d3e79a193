// Two revisions side by side: how many images are in a cluster of the one and a cluster of the other.
const cross = byId("cross");

async function showCross() {
  const [rows, columns] = [...cross.querySelectorAll("select")].map((select) => Number(select.value));
  const [a, b] = await Promise.all([revision(rows), revision(columns)]);
  if (!a || !b) return;
  const counts = new Map();
  const [left, right] = [new Map(), new Map()];
  let total = 0;
  for (let i = 0; i < a.cluster.length; i++) {
    const [p, q] = [a.cluster[i], b.cluster[i]];
    if (p < 0 || q < 0) continue;
    total += 1;
    const key = `${p} ${q}`;
    counts.set(key, (counts.get(key) || 0) + 1);
    left.set(p, (left.get(p) || 0) + 1);
    right.set(q, (right.get(q) || 0) + 1);
  }
  const { ari, nmi } = agreement([...counts.values()], [...left.values()], [...right.values()], total);
  byId("agreement").textContent = total
    ? `${many(total, "image is", "images are")} in both. Agreement: ARI ${ari.toFixed(3)}, NMI ${nmi.toFixed(3)} (1: the same groups; 0: no more than by chance). Choose a number to see its images.`
    : "No image is in both.";
  drawCross(a, b, counts, left, right);
}

function drawCross(a, b, counts, left, right) {
  const name = (rev, number) => rev.named.get(number)?.name ?? "unassigned";
  const order = (rev, sizes) =>
    [...sizes.keys()].sort((p, q) => (p === 0) - (q === 0) || sizes.get(q) - sizes.get(p) || (name(rev, p) < name(rev, q) ? -1 : 1));
  const [down, over] = [order(a, left), order(b, right)];
  const head = make("tr", {}, make("td"));
  for (const q of over) head.append(make("th", { scope: "col" }, make("span", {}, make("bdi", { textContent: shortened(name(b, q), 28) }))));
  const body = make("tbody");
  for (const p of down) {
    const row = make("tr", {}, make("th", { scope: "row" }, make("bdi", { textContent: shortened(name(a, p), 40) })));
    for (const q of over) {
      const n = counts.get(`${p} ${q}`) || 0;
      const cell = make("td", { className: `h${n ? Math.max(1, Math.round((10 * n) / left.get(p))) : 0}` });
      const text = n.toLocaleString("en");
      const told = `${many(n, "image", "images")} in ${name(a, p)} and ${name(b, q)}`;
      cell.append(n ? make("button", { type: "button", textContent: text, ariaLabel: told, onclick: () => showBoth(a, p, b, q) }) : "·");
      row.append(cell);
    }
    body.append(row);
  }
  cross.querySelector("table").replaceChildren(make("thead", {}, head), body);
}

function showBoth(a, p, b, q) {
  if (view.at !== a.at) showRevision(a.at);
  look({ clusters: new Set([p]), cross: { at: b.at, cluster: q }, which: "all", among: null, words: "", low: 0, high: 1 });
  byId("images").scrollIntoView();
  byId("h-images").focus();
}

/** Adjusted Rand index (Hubert and Arabie, 1985) and normalised mutual information (arithmetic mean). */
function agreement(cells, left, right, n) {
  const two = (sizes) => sizes.reduce((sum, k) => sum + (k * (k - 1)) / 2, 0);
  const [both, p, q, all] = [two(cells), two(left), two(right), (n * (n - 1)) / 2];
  const chance = all ? (p * q) / all : 0;
  const ari = (p + q) / 2 === chance ? 1 : (both - chance) / ((p + q) / 2 - chance);
  const entropy = (sizes) => sizes.reduce((sum, k) => sum - (k / n) * Math.log(k / n), 0);
  const [hp, hq] = [entropy(left), entropy(right)];
  return { ari, nmi: hp + hq ? Math.max(0, (2 * (hp + hq - entropy(cells))) / (hp + hq)) : 1 };
}

function startCompare() {
  const [rows, columns] = cross.querySelectorAll("select");
  for (const select of [rows, columns]) {
    select.append(...page.revisions.map((r, at) => option(at, `${r.id} ${shortened(r.criterion, 60)}`)));
    select.addEventListener("input", showCross);
  }
  listen("ictc:revision", ({ at }) => {
    const other = page.revisions.findLastIndex((r, i) => i !== at && r.criterion !== page.revisions[at].criterion);
    rows.value = at;
    columns.value = other >= 0 ? other : at ? at - 1 : 1;
    showCross();
  });
}
