// What the page can do where it is served: each change says first what it takes, and is made when that is confirmed.
(() => {
"use strict";
const byId = (id) => document.getElementById(id);
const meta = (name) => document.querySelector(`meta[name="${name}"]`).content;
const [key, stamp] = [meta("ictc-key"), meta("ictc-stamp")];
const pageData = JSON.parse(byId("page-data").textContent);
const articles = [...document.querySelectorAll("article.revision")];
const many = (n, one, more) => `${n.toLocaleString("en")} ${n === 1 ? one : more}`;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
if (location.search) history.replaceState(null, "", `/${location.hash}`); // the token does not stay in the address

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}
const button = (text, onclick, more) => make("button", { type: "button", textContent: text, onclick, ...more });

// -- the server

class Refused extends Error {
  constructor({ error, hint }) {
    const typed = /(^|[\s"])--[a-z]|\bictc [a-z]/.test(hint || ""); // what one would type on a command line
    super([error, !typed && hint].filter(Boolean).join(" "));
  }
}

async function ask(path, body) {
  const headers = { "x-ictc-key": key, ...(body && { "content-type": "application/json" }) };
  const answer = await fetch(`/api/${path}`, body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers })
    .catch(() => { throw new Refused({ error: "The server does not answer.", hint: "Has `ictc serve` ended?" }); });
  if (answer.ok) return answer.json();
  const text = await answer.text();
  try {
    throw new Refused(JSON.parse(text));
  } catch (error) {
    throw error instanceof Refused ? error : new Refused({ error: text.trim() });
  }
}

/** The result of a job, once it is done. */
async function finished(job, seen = () => {}) {
  while (job.state === "waiting" || job.state === "running") {
    seen(job);
    await sleep(job.kind === "plan" ? 120 : 300);
    job = await ask(`jobs/${job.id}`);
  }
  if (job.state !== "done") throw new Refused(job.error);
  return job.result;
}

// -- what is known

let state = null; // of the run
let shown = null; // of the revision that is shown: its clusters with their exact names
const shownAt = () => articles.findIndex((one) => one.classList.contains("current"));
const shownId = () => pageData.revisions[shownAt()].id;
const opened = pageData.revisions[pageData.current].id; // the current one when the page was made
const locked = () => !state || state.busy || state.stale || !shown;
let selected = [];

// -- the bar

const told = make("p", { role: "status" });
const doing = make("div", { className: "do" });
const bar = make("div", { className: "served", role: "region", ariaLabel: "Change this result" }, told, doing);
document.querySelector(".page").before(bar);
const undoButton = button("Undo", () => confirm("undo", {}, `Undo: back to revision ${state.undo}`, "No model is asked. No revision is ever deleted."));
const acceptButton = button("Accept", () => confirm("accept", { revision: shownId() }, `Accept revision ${shownId()}`, "It becomes the current one, and run.json says that it is the one wanted. No model is asked."));
doing.append(
  button("Reword or another K…", () => open(forms.anew())),
  button("Add a cluster…", () => open(forms.add())),
  button("Suggest…", suggest),
  undoButton,
  acceptButton,
);

function drawBar() {
  const id = shownId();
  const accepted = state?.revisions.find((r) => r.id === id)?.accepted;
  told.className = state?.busy || state?.stale ? "locked" : "";
  if (!state) told.textContent = "";
  else if (state.busy) told.textContent = "Another process is working on this run. You can look, and change nothing until it is done; new revisions show themselves then.";
  else if (state.stale) told.textContent = state.job ? "The run has changed; the page is being made anew." : "The run has changed and the page could not be made anew; the terminal may say why.";
  else {
    const asks = shown && `${shown.reasoner === "offline" ? "no model is asked" : `${shown.reasoner} is asked`}`;
    told.replaceChildren("Revision ", make("b", { textContent: id }), accepted ? ", accepted" : "", id === state.current ? "" : ` is shown; the current one is ${state.current}. Changes start from the one shown`, asks ? `; ${asks}.` : ".");
  }
  for (const one of doing.children) one.disabled = locked();
  undoButton.disabled ||= !state?.undo;
  undoButton.title = state?.undo ? `Back to revision ${state.undo}` : "There is nothing to undo";
  acceptButton.textContent = state && id !== state.current ? `Go to ${id}` : "Accept";
  acceptButton.disabled ||= Boolean(accepted) && id === state?.current;
}

// -- the clusters

function drawClusters() {
  for (const old of document.querySelectorAll(".steering")) old.remove();
  if (!shown) return;
  for (const section of articles[shownAt()].querySelectorAll("section.cluster")) {
    const number = Number(section.id.match(/cluster-(\d+)$/)?.[1]);
    const cluster = shown.clusters.find((c) => c.number === number);
    if (!cluster) continue;
    const row = make("div", { className: "steering", role: "group", ariaLabel: `Change ${cluster.shown}` });
    if (cluster.pinned) row.append(make("span", { className: "pinned", textContent: "pinned", title: "Its name and images survive another K and another criterion" }));
    row.append(
      button("Rename…", () => open(forms.rename(cluster))),
      button("Merge…", () => open(forms.merge(cluster))),
      button("Split…", () => open(forms.split(cluster)), { disabled: cluster.pinned }),
      button("Drop…", () => open(forms.drop(cluster)), { disabled: cluster.pinned }),
      button(cluster.pinned ? "Unpin…" : "Pin…", () => open(forms.pin(cluster))),
    );
    section.querySelector("header").append(row);
    if (locked()) for (const one of row.querySelectorAll("button")) one.disabled = true;
  }
}

/** Moving is beside what the page says of the selected images. */
function drawMove() {
  byId("picked")?.querySelector(".move")?.remove();
  if (selected.length) byId("picked").append(" ", button("Move to…", () => open(forms.move(selected)), { className: "move", disabled: locked() }));
}

// -- the forms: a title, fields, and the change that they say

function field(label, element, properties) {
  Object.assign(element, properties);
  return make("label", {}, label, element);
}
const text = (label, name, more) => field(label, make("input", { name, type: "text", autocomplete: "off", required: true, maxLength: 300 }), more);

const forms = {
  rename: (c) => ({
    title: `Rename “${c.shown}”`,
    fields: [text("Its new name", "name", { value: c.name })],
    change: (f) => ({ do: "rename", cluster: c.name, name: f.name.value }),
  }),
  merge: (c) => ({
    title: `Merge “${c.shown}” with others`,
    fields: [
      make("fieldset", {}, make("legend", { textContent: "With which" }), ...others(c).map((o) =>
        make("label", { className: "line" }, make("input", { type: "checkbox", name: "with", value: o.number }), make("bdi", { textContent: `${o.shown} (${o.size.toLocaleString("en")})` })))),
      text("The name of both; empty: that of the largest", "name", { required: false }),
    ],
    change: (f, all) => {
      const with_ = all("with").map((n) => shown.clusters.find((o) => o.number === Number(n)).name);
      if (!with_.length) throw new Refused({ error: "Choose at least one other cluster." });
      return { do: "merge", clusters: [c.name, ...with_], ...(f.name.value.trim() && { name: f.name.value }) };
    },
  }),
  split: (c) => ({
    title: `Split “${c.shown}”`,
    fields: [
      field("Into how many", make("input", { name: "into", type: "number", min: 2, max: Math.max(2, c.size), value: 2, required: true })),
      field("Or into these, a name a line", make("textarea", { name: "names", spellcheck: false })),
    ],
    change: (f) => {
      const names = f.names.value.split("\n").map((n) => n.trim()).filter(Boolean);
      return { do: "split", cluster: c.name, ...(names.length ? { into: names.length, names } : { into: Number(f.into.value) }) };
    },
  }),
  drop: (c) => ({
    title: `Drop “${c.shown}”`,
    note: `${many(c.size, "image goes", "images go")} to the other clusters.`,
    fields: [],
    change: () => ({ do: "drop", cluster: c.name }),
  }),
  pin: (c) => ({
    title: `${c.pinned ? "Unpin" : "Pin"} “${c.shown}”`,
    note: c.pinned ? "It is like the other clusters again." : "Its name and images survive another K and another criterion.",
    fields: [],
    change: () => ({ do: c.pinned ? "unpin" : "pin", cluster: c.name }),
  }),
  add: () => ({
    title: "Add a cluster",
    note: "Images that belong there come to it.",
    fields: [text("Its name", "name"), text("What belongs there (may be empty)", "about", { required: false, maxLength: 2000 })],
    change: (f) => ({ do: "add", name: f.name.value, ...(f.about.value.trim() && { about: f.about.value.trim() }) }),
  }),
  move: (images) => ({
    title: `Move ${many(images.length, "image", "images")}`,
    fields: [field("To", make("select", { name: "cluster" }, ...shown.clusters.map((c) => make("option", { value: c.number, textContent: c.shown }))))],
    change: (f) => ({ do: "move", images, cluster: shown.clusters.find((c) => c.number === Number(f.cluster.value)).name }),
  }),
  anew: () => ({
    title: "Reword the criterion, or ask for another K",
    note: "Names are made anew around what is pinned. Corrections stay as far as the new names show them.",
    fields: [
      field("What to cluster by", make("textarea", { name: "criterion", required: true, value: shown.criterion, maxLength: 20000 })),
      text("How many clusters: a number, or auto", "k", { value: shown.k ?? "auto", pattern: "\\s*(auto|[1-9][0-9]*)\\s*", maxLength: 9 }),
      ...(shown.keeps ? [] : [make("label", { className: "line" }, make("input", { type: "checkbox", name: "keep" }), "Look at no image again: keep the descriptions")]),
    ],
    change: (f) => {
      const [criterion, k] = [f.criterion.value.trim(), f.k.value.trim()];
      const other = criterion !== shown.criterion.trim();
      return { do: "anew", k: k === "auto" ? null : Number(k), ...(other && { criterion, keep: Boolean(f.keep?.checked) }) };
    },
  }),
};
const others = (c) => shown.clusters.filter((o) => o.number !== c.number && o.name !== shown.outliers);

// -- the dialog

const dialog = make("dialog", { id: "steer" });
dialog.setAttribute("aria-labelledby", "steer-title");
document.body.append(dialog);
let working = false; // a change is being made: the dialog stays
dialog.addEventListener("cancel", (event) => { if (working) event.preventDefault(); });
dialog.addEventListener("close", () => { if (!working) keepUp(); });

function fill(title, ...parts) {
  const heading = make("h2", { id: "steer-title" }, make("bdi", { textContent: title }));
  dialog.replaceChildren(heading, make("form", { noValidate: false }, ...parts));
  if (!dialog.open) dialog.showModal();
  return dialog.querySelector("form");
}
const closing = (label = "Cancel") => button(label, () => dialog.close());
const buttons = (...all) => make("div", { className: "buttons" }, ...all);
const wrong = (error) => make("p", { className: "wrong", textContent: error.message, role: "alert" });

/** Ask for what a change takes. `form`: {title, note, fields, change}. */
function open(form, error) {
  const at = { revision: shownId() };
  const note = form.note ? [make("p", { className: "note", textContent: form.note })] : [];
  const element = fill(form.title, ...note, ...form.fields, ...(error ? [wrong(error)] : []),
    buttons(make("button", { className: "go", textContent: "What would it take?" }), closing()));
  const first = element.querySelector("input, textarea, select, .go");
  first.focus();
  first.select?.();
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    const go = element.querySelector(".go");
    go.disabled = true;
    try {
      const all = (name) => [...element.querySelectorAll(`[name="${name}"]:checked`)].map((one) => one.value);
      const change = form.change(element.elements, all);
      const plan = await finished(await ask("plan", { revision: at.revision, changes: [change] }));
      state = await ask("state");
      offer(form, plan);
    } catch (fault) {
      if (dialog.open) open(form, fault);
    }
  });
}

/** Say what it takes; do it if it is wanted. `back`: shows what was there before, with a fault if there is one. */
function offer(form, plan, back = (fault) => open(form, fault), done = show) {
  if (!dialog.open) return;
  const takes = make("div", { className: "takes" }, make("span", { textContent: plan.line }), make("code", { textContent: plan.command }));
  const older = state && state.current !== opened && shownId() === opened
    ? [make("p", { className: "wrong", textContent: `There is a newer revision by now, ${state.current}. This change starts from ${opened}, the one shown, without what is new.` })] : [];
  const element = fill(form.title, ...older, takes, buttons(make("button", { className: "go", textContent: "Do it" }), button("Back", () => back()), closing()));
  element.querySelector(".go").focus();
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    carryOut(form.title, ask("apply", { plan: plan.plan }), back, done);
  });
}

// -- suggestions

/** Ask what could be better; at once where that asks no model. */
async function suggest() {
  const form = { title: "What could be better" };
  const revision = shownId();
  const failed = (fault) => fill(form.title, ...(fault ? [wrong(fault)] : []), buttons(button("Ask again", suggest), closing("Close")));
  const found = (result) => offerAll(revision, result);
  fill(form.title, make("p", { className: "note", role: "status", textContent: "Looking what that would take…" }), buttons(closing()));
  try {
    const plan = await finished(await ask("suggest", { revision }));
    if (!dialog.open) return;
    if (plan.requests.high) offer(form, plan, failed, found);
    else carryOut(form.title, ask("apply", { plan: plan.plan }), failed, found);
  } catch (fault) {
    if (dialog.open) failed(fault);
  }
}

/** The suggestions, each to be planned and made as any other change. */
function offerAll(revision, result, fault) {
  const back = (wrongThen) => offerAll(revision, result, wrongThen);
  const rows = result.suggestions.map(({ change, why }) => {
    const words = inWords(change);
    const use = button("Use this…", () => use_(words, change), { ariaLabel: `Use this: ${words}` });
    return make("li", {}, make("b", {}, make("bdi", { textContent: words })), make("p", { className: "note" }, make("bdi", { textContent: why })), use);
  });
  const use_ = async (words, change) => {
    for (const one of dialog.querySelectorAll(".suggested button")) one.disabled = true;
    try {
      offer({ title: words }, await finished(await ask("plan", { revision, changes: [change] })), back);
    } catch (error) {
      if (dialog.open) back(error);
    }
  };
  const by = result.by === "offline" ? "By what is odd about the clusters; no model was asked." : `By ${result.by}.`;
  const said = [result.remark, rows.length ? by : `Nothing is suggested. ${by}`].filter(Boolean);
  fill("What could be better", ...said.map((line) => make("p", { className: "note", textContent: line })),
    ...(fault ? [wrong(fault)] : []), make("ol", { className: "suggested" }, ...rows), buttons(closing("Close")));
  dialog.querySelector(".suggested button, .buttons button").focus();
}

/** A change as a sentence. */
function inWords(c) {
  const named = (name) => `“${name}”`;
  if (c.do === "rename") return `Rename ${named(c.cluster)} to ${named(c.name)}`;
  if (c.do === "merge") return `Merge ${c.clusters.map(named).join(" and ")}${c.name ? ` as ${named(c.name)}` : ""}`;
  if (c.do === "split") return `Split ${named(c.cluster)} into ${c.names?.length ? c.names.map(named).join(" and ") : c.into ?? 2}`;
  if (c.do === "drop") return `Drop ${named(c.cluster)}`;
  const k = c.k ? `${c.k} clusters` : "as many clusters as fit";
  return c.criterion ? `Cluster by ${named(c.criterion)}, ${k}` : `Make ${k}`;
}

function confirm(path, body, title, note) {
  const element = fill(title, make("p", { className: "note", textContent: note }), buttons(make("button", { className: "go", textContent: "Do it" }), closing()));
  element.querySelector(".go").focus();
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    carryOut(title, ask(path, body), (fault) => fill(title, wrong(fault), buttons(closing("Close"))));
  });
}

/** Show how far it is; when it is `done`, the page is another. */
async function carryOut(title, started, failed, done = show) {
  working = true;
  const [line, far] = [make("p", { className: "note", role: "status" }), make("progress", { ariaLabel: "How far it is" })];
  const stop = button("Stop", () => { stop.disabled = true; ask("stop", {}).catch(() => {}); });
  fill(title, line, far, buttons(stop)).addEventListener("submit", (event) => event.preventDefault());
  try {
    const result = await finished(await started, (job) => {
      const stage = job.stages.at(-1);
      line.textContent = stage ? `${stage.stage}: ${stage.done.toLocaleString("en")} of ${stage.total.toLocaleString("en")}` : "It begins…";
      if (stage?.total) [far.max, far.value] = [stage.total, stage.done];
    });
    if (result.left_out?.length) sessionStorage.setItem("ictc-left-out", result.left_out.join("\n"));
    working = done === show; // until the page is another
    done(result);
  } catch (fault) {
    working = false;
    failed(fault);
  }
}

/** The page as it is now. */
function show() {
  history.replaceState(null, "", "/");
  location.reload();
}

// -- pictures in the larger view are those of the files, not the small ones

const viewer = byId("viewer");
const viewerBody = byId("viewer-body");
new MutationObserver(() => {
  const small = viewerBody.querySelector(".pic, img:not(.whole)");
  const i = viewer.dataset.image;
  if (!small || i === undefined || small.dataset.asked) return;
  small.dataset.asked = i;
  const large = make("img", { className: "whole", src: `/image/${i}`, alt: small.getAttribute("aria-label") || "" });
  large.addEventListener("load", () => { if (small.isConnected) small.replaceWith(large); });
}).observe(viewerBody, { childList: true, subtree: true });

// -- keeping up with the run

// What a person has begun here (a form, a view, a selection) is never taken from them by what another tab does.
const idle = () => !dialog.open && !viewer.open && !selected.length && !byId("images")?.classList.contains("narrowed");

async function keepUp() {
  const was = JSON.stringify([state, shown?.id]);
  try {
    state = await ask("state");
    if (!shown || shown.id !== shownId()) shown = await ask(`revision/${shownId()}`);
  } catch (fault) {
    state = null;
    told.className = "locked";
    told.textContent = fault.message;
    for (const one of document.querySelectorAll(".served button, .steering button")) one.disabled = true;
    return;
  }
  if (was !== JSON.stringify([state, shown?.id])) {
    drawBar();
    drawClusters();
    drawMove();
  }
  const changing = state.job && ["apply", "undo", "accept"].includes(state.job.kind);
  if (changing && !working && idle()) carryOut(state.job.title, Promise.resolve(state.job), (fault) => fill("It did not work", wrong(fault), buttons(closing("Close"))));
  else if (!state.job && !state.stale && state.stamp !== stamp && !working) idle() ? show() : offerNew();
}

function offerNew() {
  if (!told.querySelector("button")) told.append(" ", button("There is something new: show it", show));
}

document.addEventListener("ictc:revision", () => { shown = null; keepUp(); });
document.addEventListener("ictc:selection", ({ detail }) => { selected = detail.images; drawMove(); });
document.querySelector("footer p").append(" It is served by `ictc serve`: it talks to that program on this machine, and to nothing else.");
const leftOut = sessionStorage.getItem("ictc-left-out");
sessionStorage.removeItem("ictc-left-out");
if (leftOut) fill("Done, but some of it was left out", ...leftOut.split("\n").map((line) => make("p", { className: "note", textContent: line })), buttons(closing("Close")));
drawBar(); // locked, until the state is known
(async function watch() {
  for (;;) {
    if (!document.hidden && !working) await keepUp();
    await sleep(2000);
  }
})();
})();
