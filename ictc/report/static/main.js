// Everything starts here. Without scripts the page is complete but for looking among all images.
articles.forEach(startMap);
if (page) {
  startGallery();
  if (cross) startCompare();
  listen("ictc:view", () => {
    const one = maps.get(article());
    if (one) light(one, narrowed() && (view.words || view.which !== "all" || view.low > 0 || view.high < 1 || view.among || view.cross) ? new Set(found) : null);
  });
}
showRevision(view.at);
const ready = page ? look() : Promise.resolve();
if (location.hash) ready.then(follow);

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-show]");
  if (!button || !page) return;
  look({ clusters: new Set([Number(button.dataset.show)]), which: "all", among: null, cross: null, words: "", low: 0, high: 1 });
  byId("images").scrollIntoView();
  byId("h-images").focus();
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "/" && !typing && !dialog.open && page && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    fields.words.focus();
    byId("images").scrollIntoView();
  }
  if (event.key === "Escape" && typing?.name === "words") {
    typing.value = "";
    look({ words: "" });
    typing.blur();
  }
});
