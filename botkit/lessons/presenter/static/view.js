// The presenter's view: it listens to what the kit sends, and turns the presenter's keys into steps.
// All addresses are relative to the page, so that it also works below a prefix.

import { caption, draw, noCaption } from "./drawing.js";
import { address, beginAnew, isLoading, nextAct, watch } from "./frames.js";

const $ = (id) => document.getElementById(id);
const home = new URL("./", location.href).href;
const PATIENCE = 3000; // ms; then a press does something, however things look

let state = null; // what the kit told last
let run = ""; // whose frames are shown
let refused = ""; // why the kit does not want to be at this page's address
let acting = false; // a press is being carried out
let restless = 0; // since when nothing is held and yet nothing can be done, in ms

// ---- listening ----

async function ask(path, body) {
  const options = body && {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const answer = await fetch(path, options);
  if (answer.ok) return answer.json();
  const said = await answer.json().catch(() => ({}));
  throw new Error(said.message || "The kit did not take that. Please try again.");
}

async function listen() {
  for (let lost = false; ;) {
    const { run: name = "", version = -1, ready = false } = state ?? {};
    let news = null;
    try {
      news = await ask(`news?${new URLSearchParams({ run: name, since: version, ready })}`);
    } catch {
      complain("The kit does not answer. This page goes on as soon as it is back.");
      await new Promise((done) => setTimeout(done, 1500));
    }
    if (news && lost) complain("");
    lost = !news;
    if (news) await tell(take(news));
  }
}

async function take(news) {
  const first = state === null;
  state = news;
  if (news.home !== home) {
    // At another address than the kit thinks, such as behind a proxy: then its links lead nowhere.
    if (first) refused = await ask("reset", { home }).then(() => "", (error) => error.message);
    if (!first || refused) complain(refused || `The view has moved to ${news.home}`);
    return;
  }
  if (news.run !== run) {
    run = news.run;
    complain(news.trouble);
    beginAnew(news.chat, home);
    noCaption();
  }
  if (news.steps.length) caption(news.steps.at(-1)); // first: it may take room from the drawing
  draw(news.steps);
  show();
}

function complain(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = !text;
}

// ---- what comes next ----

function situation() {
  if (!state || state.run !== run) return ["busy"];
  if (state.held) return ["held", `${state.held.from} → ${state.held.to}`];
  if (acting || !state.ready || isLoading()) return ["busy"];
  const act = nextAct();
  if (act === undefined) return ["busy"];
  return act ? ["act", act.words, act] : ["finished", "the trip is over; R begins again"];
}

function show() {
  const [name, words = "…"] = situation();
  if (name !== "busy") restless = 0;
  else restless ||= performance.now();
  document.body.dataset.state = name;
  $("next-ends").textContent = words;
  $("flow").setAttribute("aria-pressed", Boolean(state?.flowing));
  $("whose").textContent = whose();
}

// Whose page the browser shows. A page that is held leaves the one before it standing there.
function whose() {
  if (isLoading()) return ": waiting for a page";
  const path = address()?.href ?? "";
  const port = path.startsWith(home) && /^at\/(\d+)\//.exec(path.slice(home.length))?.[1];
  return port && state?.places[port] ? `: a page of ${state.places[port]}` : "";
}

// ---- what the presenter does ----

async function next() {
  const [name, , act] = situation();
  if (name === "held") return ask("next", { held: state.held.name, run });
  const stuck = name === "busy" && !acting && performance.now() - restless > PATIENCE;
  const chosen = act ?? (stuck ? nextAct() : null);
  if (!chosen) return;
  acting = true;
  show();
  try {
    await chosen.run();
    state.ready = false; // until the kit says so again
  } finally {
    acting = false;
    show();
  }
}

const flow = () => ask("flow", { flowing: !state?.flowing });
const reset = () => ask("reset", { home }); // whoever resets decides where the view is

const tell = (promise) => promise.catch((error) => complain(error.message));
const focusBack = () => $("stage").focus({ preventScroll: true });

function onKey(event) {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
  const doing = meaning(event.key, event.target);
  if (!doing) return;
  event.preventDefault();
  if (!event.repeat) tell(doing());
}

// What a key means, unless somebody writes, or the key is for the button on which they stand. In a
// message box that is still empty, a space is no beginning of a message.
function meaning(key, target) {
  const kind = target.tagName === "INPUT" ? target.type : target.tagName?.toLowerCase();
  const writes = ["textarea", "text", "search"].includes(kind);
  if (key === "PageDown") return next;
  if (writes && target.value) return null;
  if (key === " ") return ["button", "select", "summary", "checkbox"].includes(kind) || (kind === "radio" && !target.checked) ? null : next;
  if (key === "ArrowRight") return ["radio", "select"].includes(kind) ? null : next;
  if (writes) return null;
  return { f: flow, r: reset }[key.toLowerCase()];
}

for (const [id, doing] of Object.entries({ next, flow, reset })) {
  $(id).addEventListener("click", (event) => {
    tell(doing());
    if (event.detail) focusBack(); // after a mouse, Space shall not press this button again
  });
}
document.addEventListener("keydown", onKey);
new ResizeObserver(() => state && draw(state.steps)).observe($("drawing"));
watch({ onKey, onChange: show, focusBack });
focusBack();
listen();
