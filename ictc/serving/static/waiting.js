"use strict";
// Until there is a page: says why not, and looks again.
const key = document.querySelector('meta[name="ictc-key"]').content;
const [why, far] = ["why", "far"].map((id) => document.getElementById(id));
if (location.search) history.replaceState(null, "", "/");

async function look() {
  const answer = await fetch("/api/state", { headers: { "x-ictc-key": key } }).catch(() => null);
  if (!answer) {
    why.textContent = "The server has ended. Start it again: ictc serve";
    far.hidden = true;
    return;
  }
  if (!answer.ok) return location.reload();
  const state = await answer.json();
  const stage = state.job?.stages.at(-1);
  if (stage?.total) [far.max, far.value] = [stage.total, stage.done];
  else far.removeAttribute("value");
  if (state.stamp) return location.reload();
  if (!state.current) {
    why.textContent = state.busy
      ? "The run is in progress. Its first result shows itself here as soon as it is there."
      : "The run has no finished result yet, and no process works on it. Start the command that made it again; this page then goes on.";
    far.hidden = !state.busy;
  } else if (state.busy) {
    why.textContent = "Another process is working on this run. The page is made as soon as it is done.";
  } else if (!state.job) {
    why.textContent = "The page cannot be made; the terminal of `ictc serve` may say why.";
    far.hidden = true;
  }
  setTimeout(look, 700);
}
look();
