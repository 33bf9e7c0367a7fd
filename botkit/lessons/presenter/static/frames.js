// The two frames: what the person sees there, and what the person would do next. The script does it
// in the pages themselves, where everybody can watch. The instructor may do the same by hand.

const $ = (id) => document.getElementById(id);
const [chat, page] = [$("chat"), $("page")];
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const pause = (ms) => new Promise((done) => setTimeout(done, calm.matches ? 0 : ms));

let opened = new Set(); // links that have been opened
let said = new Set(); // codes that have been said
let watched = null; // the chat's page, once we listen to its keys
let loading = false; // the browser is on its way to another page
let report = () => {}; // called when something has changed in a frame
let base = document.baseURI; // below it everything has the same origin

const inside = (frame) => {
  try {
    return frame.contentDocument?.body ? frame.contentDocument : null;
  } catch {
    return null; // a page of the browser's own, such as "cannot be reached"
  }
};

// ---- what is there ----

const person = (room) => room.querySelector('input[name="who"]:checked')?.value ?? "You";
const lastWord = (room) => [...room.querySelectorAll(".post.bot .bubble")].at(-1);
const link = (words) => [...(words?.querySelectorAll("a[href]") ?? [])]
  .find((one) => one.href.startsWith(base) && one.search.includes("state="));
const approve = (shown) => shown?.querySelector('button[name="decision"][value="approve"]');
const code = (shown) => /^\d{3} \d{3}$/.exec(shown?.querySelector(".code")?.textContent.trim())?.[0];

export const isLoading = () => loading;
export const address = () => (page.hidden ? null : inside(page)?.location) ?? null;

// What the person does next: words for the line at the bottom, and a function that does it.
// Null: the trip is over. Undefined: there is no telling.
export function nextAct() {
  const room = inside(chat);
  if (!room || room !== watched) return undefined;
  const [who, words, shown] = [person(room), lastWord(room), page.hidden ? null : inside(page)];
  const button = approve(shown);
  if (button) return { words: `${who} presses Approve`, run: () => press(button) };
  const digits = code(shown);
  if (digits && !said.has(digits)) {
    const run = () => (said.add(digits), say(room, digits));
    return { words: `${who} says the code in the chat`, run };
  }
  const way = room.querySelector(".post.own") && link(words); // not the one that greets
  if (way && !opened.has(way.href)) return { words: `${who} opens the link`, run: () => open(way.href) };
  if (words?.querySelector("pre")) return null;
  return { words: `${who} writes “profile”`, run: () => say(room, "profile") };
}

// ---- what the person does ----

function open(url) {
  opened.add(url);
  loading = true;
  page.hidden = false;
  $("nothing").hidden = true;
  page.contentWindow.location.replace(url);
}

async function say(room, text) {
  const message = room.getElementById("message");
  const inTeam = !room.querySelector("#title .badge"); // there the bot has to be named
  for (const letter of inTeam ? `@bot ${text}` : text) {
    message.value += letter;
    message.dispatchEvent(new Event("input"));
    await pause(60);
  }
  await pause(250);
  room.getElementById("send").click();
}

async function press(button) {
  button.scrollIntoView({ block: "center", behavior: calm.matches ? "auto" : "smooth" });
  button.style.outline = "4px solid orange";
  button.style.outlineOffset = "3px";
  await pause(700);
  button.click();
}

// ---- watching ----

export function watch({ onKey, onChange, focusBack }) {
  report = onChange;
  chat.addEventListener("load", () => {
    const room = inside(chat);
    if (!room || room.location.href === "about:blank") return;
    room.addEventListener("keydown", onKey, true);
    room.addEventListener("click", (event) => openHere(event, focusBack), true);
    new MutationObserver(report).observe(room.body, { childList: true, subtree: true });
    watched = room;
    focusBack(); // the chat's page takes the keyboard when it is opened
    report();
  });
  page.addEventListener("load", () => {
    loading = false;
    const shown = inside(page);
    shown?.addEventListener("keydown", onKey, true);
    shown?.addEventListener("submit", (event) => decide(event, focusBack), true);
    report();
  });
}

// A link in the chat opens in the browser beside it, and not in a new tab.
function openHere(event, focusBack) {
  const there = event.target.closest?.("a[href]");
  if (event.detail && event.target.closest?.("button")) setTimeout(focusBack); // as in view.js
  if (!there?.href.startsWith(base) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(there.href);
  report();
}

// While the answer is held the old page still stands there; nobody shall press its buttons again.
function decide(event, focusBack) {
  if (loading) event.preventDefault();
  loading = true;
  focusBack();
  report();
}

export function beginAnew(room, home) {
  [opened, said, watched, loading, base] = [new Set(), new Set(), null, false, home];
  page.hidden = true;
  $("nothing").hidden = false;
  page.contentWindow.location.replace("about:blank");
  chat.contentWindow.location.replace(new URL(room, home));
}
