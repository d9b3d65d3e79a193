"use strict";
// The page is complete without this: it adds the viewer, and hovering and filtering on the map.
document.documentElement.classList.add("script");

(function viewer() {
  const dialog = document.getElementById("viewer");
  const [name, count, body] = ["viewer-name", "viewer-count", "viewer-body"].map((id) => document.getElementById(id));
  let tiles = [];
  let at = 0;

  function show(index) {
    at = (index + tiles.length) % tiles.length;
    const tile = tiles[at];
    const image = tile.querySelector("summary img");
    name.textContent = tile.querySelector(".caption bdi").textContent;
    count.textContent = `${at + 1} of ${tiles.length} shown`;
    body.replaceChildren(...[image, tile.querySelector(".more")].filter(Boolean).map((part) => part.cloneNode(true)));
  }

  document.addEventListener("click", (event) => {
    const summary = event.target.closest(".tile > summary");
    if (!summary) return;
    event.preventDefault();
    tiles = [...summary.closest("section").querySelectorAll(".tile")];
    show(tiles.indexOf(summary.parentElement));
    dialog.showModal();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) return dialog.close();
    const button = event.target.closest("[data-step]");
    if (button) show(at + Number(button.dataset.step));
  });
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) show(at + step);
  });
  dialog.addEventListener("close", () => tiles[at].querySelector("summary").focus());
})();

(function map() {
  const data = document.getElementById("map-data");
  if (!data) return;
  const groups = JSON.parse(data.textContent).groups;
  const svg = document.getElementById("map-svg");
  const tip = document.getElementById("map-tip");
  const ring = document.getElementById("map-ring");
  const buttons = [...document.querySelectorAll(".legend button")];
  const chosen = new Set();
  const reach = 14;

  function nearest(x, y) {
    let best = null;
    let least = reach * reach;
    for (const group of groups) {
      if (chosen.size && !chosen.has(group.number)) continue;
      for (let i = 0; i < group.images.length; i++) {
        const [px, py] = [group.xy[2 * i], group.xy[2 * i + 1]];
        const distance = (px - x) ** 2 + (py - y) ** 2;
        if (distance < least) [least, best] = [distance, { px, py, image: group.images[i], name: group.name }];
      }
    }
    return best;
  }

  function hide() {
    tip.hidden = true;
    ring.setAttribute("cx", -20);
  }

  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    const found = nearest((event.clientX - box.left) * scale, (event.clientY - box.top) * scale);
    if (!found) return hide();
    ring.setAttribute("cx", found.px);
    ring.setAttribute("cy", found.py);
    tip.firstElementChild.textContent = found.image;
    tip.lastElementChild.textContent = found.name;
    tip.hidden = false;
    const left = found.px / scale;
    const top = found.py / scale;
    tip.style.left = `${Math.max(0, Math.min(left + 12, box.width - tip.offsetWidth))}px`;
    tip.style.top = `${top + 14 + tip.offsetHeight > box.height ? top - tip.offsetHeight - 12 : top + 14}px`;
  });
  svg.addEventListener("pointerleave", hide);

  for (const button of buttons) {
    button.addEventListener("click", () => {
      const number = Number(button.dataset.group);
      chosen.has(number) ? chosen.delete(number) : chosen.add(number);
      button.setAttribute("aria-pressed", chosen.has(number));
      for (const path of svg.querySelectorAll(".dots")) {
        path.classList.toggle("faded", chosen.size > 0 && !chosen.has(Number(path.dataset.group)));
      }
      svg.querySelector(".map-labels").toggleAttribute("hidden", chosen.size > 0);
    });
  }
})();
