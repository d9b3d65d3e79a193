// Which revision is shown: told by the address, so that a link to any part of any revision leads there.
const articles = [...document.querySelectorAll("article.revision")];
const article = () => articles[view.at];

function showRevision(at) {
  const before = view.at;
  view.at = at;
  articles.forEach((one, i) => one.classList.toggle("current", i === at));
  for (const link of document.querySelectorAll(".switch a")) {
    Number(link.dataset.at) === at ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
  }
  const [list, now] = [document.querySelector(".switch ol"), document.querySelector(".switch [aria-current]")];
  const [link, box] = [now, list].map((one) => one?.getBoundingClientRect());
  if (link && (link.top < box.top || link.bottom > box.bottom)) list.scrollTop += link.bottom - box.bottom + 6;
  const gallery = byId("images");
  if (gallery) article().querySelector(".overview").after(gallery);
  const compare = byId("compare");
  if (compare) article().querySelector(".aside").replaceWith(make("div", { className: "aside" }, compare));
  document.title = `${article().querySelector("h1").textContent.slice(0, 70)} · ictc`;
  if (before !== at) Object.assign(view, { clusters: new Set(), among: null, cross: null, which: "all" });
  tell("ictc:revision", { at });
}

/** Go where the address says; into another revision where that part is in one. */
async function follow() {
  const target = byId(decodeURIComponent(location.hash.slice(1)));
  const home = target?.closest("article.revision");
  if (!home) return;
  const at = articles.indexOf(home);
  if (at !== view.at) {
    showRevision(at);
    if (page) await look();
  }
  home === target ? window.scrollTo(0, 0) : target.scrollIntoView({ behavior: "instant" });
}

window.addEventListener("hashchange", follow);
