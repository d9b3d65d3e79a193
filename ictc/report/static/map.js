// The maps: dots are named, opened and boxed; what is looked for among the images lights up.
const maps = new Map(); // article -> its map
const REACH = 14;

function startMap(home) {
  const data = home.querySelector(".map-data");
  if (!data) return;
  const svg = home.querySelector(".map-svg");
  const one = {
    groups: JSON.parse(data.textContent).groups,
    svg, tip: home.querySelector(".map-tip"), ring: home.querySelector(".map-ring"), box: home.querySelector(".map-box"),
    dots: [...svg.querySelectorAll(".dots[data-group]")], rest: [...svg.querySelectorAll(".dots.rest")],
    labels: svg.querySelector(".map-labels"), buttons: [...home.querySelectorAll(".legend button")],
  };
  maps.set(home, one);
  let from = null;
  svg.addEventListener("pointermove", (event) => {
    const at = place(one, event);
    if (from) return drawBox(one, from, at);
    const dot = nearest(one, at);
    dot ? point(one, dot) : unpoint(one);
  });
  svg.addEventListener("pointerleave", () => unpoint(one));
  svg.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch" || event.button || !page) return;
    from = place(one, event);
    svg.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  svg.addEventListener("pointerup", (event) => {
    const [start, end] = [from, place(one, event)];
    from = null;
    one.box.removeAttribute("width");
    const dot = nearest(one, end);
    if (start && Math.hypot(end.x - start.x, end.y - start.y) > 8) return lookInBox(one, start, end);
    if (dot && page) openViewer(found.includes(dot.image) ? found : [dot.image], Math.max(0, found.indexOf(dot.image)), () => {});
  });
  svg.addEventListener("pointercancel", () => { from = null; one.box.removeAttribute("width"); });
  for (const button of one.buttons) {
    button.addEventListener("click", () => {
      const clusters = new Set(view.clusters);
      const number = Number(button.dataset.group);
      clusters.has(number) ? clusters.delete(number) : clusters.add(number);
      page ? look({ clusters }) : (view.clusters = clusters, light(one, null));
    });
  }
}

function place(one, event) {
  const box = one.svg.getBoundingClientRect();
  const scale = one.svg.viewBox.baseVal.width / box.width;
  return { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale };
}

function* dotsOf(one) {
  for (const group of one.groups) {
    for (let k = 0; k < group.images.length; k++) {
      yield { x: group.xy[2 * k], y: group.xy[2 * k + 1], image: group.images[k], group };
    }
  }
}

function nearest(one, at) {
  let [best, least] = [null, REACH * REACH];
  for (const dot of dotsOf(one)) {
    if (one.lit && !one.lit(dot)) continue;
    const distance = (dot.x - at.x) ** 2 + (dot.y - at.y) ** 2;
    if (distance < least) [best, least] = [dot, distance];
  }
  return best;
}

function point(one, dot) {
  one.ring.setAttribute("cx", dot.x);
  one.ring.setAttribute("cy", dot.y);
  const picked = images && picture(dot.image);
  one.tip.replaceChildren(...(picked ? [picked] : []), make("b", { textContent: images?.names[dot.image] ?? "" }), make("span", { textContent: dot.group.name }));
  one.tip.hidden = false;
  const box = one.svg.getBoundingClientRect();
  const scale = one.svg.viewBox.baseVal.width / box.width;
  const [left, top] = [dot.x / scale, dot.y / scale];
  one.tip.style.left = `${Math.max(0, Math.min(left + 12, box.width - one.tip.offsetWidth))}px`;
  one.tip.style.top = `${top + 14 + one.tip.offsetHeight > box.height ? top - one.tip.offsetHeight - 12 : top + 14}px`;
}

function unpoint(one) {
  one.tip.hidden = true;
  one.ring.setAttribute("cx", -20);
}

function drawBox(one, a, b) {
  unpoint(one);
  const sides = { x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) };
  for (const [name, value] of Object.entries(sides)) one.box.setAttribute(name, value);
}

function lookInBox(one, a, b) {
  const within = (v, p, q) => v >= Math.min(p, q) && v <= Math.max(p, q);
  const among = new Set();
  for (const dot of dotsOf(one)) if (within(dot.x, a.x, b.x) && within(dot.y, a.y, b.y)) among.add(dot.image);
  look({ among });
}

/** Dots that are looked for keep their colour, the others fade; `wanted` null: only the clusters count. */
function light(one, wanted) {
  const all = !wanted && !view.clusters.size;
  one.lit = all ? null : wanted ? (dot) => wanted.has(dot.image) : (dot) => view.clusters.has(dot.group.number);
  one.groups.forEach((group, g) => {
    const lit = one.lit ? [...dotsOf({ groups: [group] })].filter(one.lit) : null;
    one.dots[g].classList.toggle("faded", Boolean(lit && !lit.length));
    one.whole ??= one.dots.map((path) => path.getAttribute("d"));
    const part = lit && lit.length && lit.length < group.images.length;
    one.rest[g].setAttribute("d", part ? one.whole[g] : "");
    one.rest[g].classList.add("faded");
    one.dots[g].setAttribute("d", part ? lit.map((dot) => outline(group.number, dot.x, dot.y, 4)).join("") : one.whole[g]);
  });
  one.labels.toggleAttribute("hidden", !all);
  for (const button of one.buttons) button.setAttribute("aria-pressed", view.clusters.has(Number(button.dataset.group)));
}

/** The outline of a dot, as charts.py draws it. */
function outline(number, x, y, r) {
  const shape = number > 0 ? Math.floor((number - 1) / 10) % 4 : 0;
  if (shape === 0) return `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
  if (shape === 1) return `M${x - 0.88 * r} ${y - 0.88 * r}h${1.76 * r}v${1.76 * r}h${-1.76 * r}z`;
  const s = 1.25 * r;
  return shape === 2 ? `M${x} ${y - s}l${s} ${1.8 * s}h${-2 * s}z` : `M${x} ${y - s}l${s} ${s}l${-s} ${s}l${-s} ${-s}z`;
}

const dotOf = (i) => { const one = maps.get(article()); return one && [...dotsOf(one)].find((dot) => dot.image === i); };
const onMap = (i) => Boolean(dotOf(i));

function pointOut(i) {
  const one = maps.get(article());
  one.svg.scrollIntoView({ block: "center", behavior: "instant" });
  point(one, dotOf(i));
}
