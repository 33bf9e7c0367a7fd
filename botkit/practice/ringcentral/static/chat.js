// The practice chat in the browser. Every text comes from somebody else, so it enters the page as
// text (textContent, createTextNode) and never as markup. All addresses are relative to the page.

const $ = (id) => document.getElementById(id);
const [log, message, title, members] = ["log", "message", "title", "members"].map($);

let me = "Alice"; // who is typing
let world = ""; // the name of the practice world that answers; another one has begun again
let since = 0; // the newest change that this page knows of
let chats = []; // the chats of that person
let posts = []; // everything said in them, oldest first
let picked = null; // the id of the chat that the person chose
let seen = new Map(); // chat id -> the newest post that was on the screen
let listening = null; // stops the request that waits for news
let atEnd = true; // whether the newest message is on the screen

// ---- asking the server ----

async function ask(path, options = {}) {
  const answer = await fetch(path, options);
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Error(said.message || "The practice world did not take that. Please try again.");
  }
  return answer.json();
}

async function listen() {
  listening?.abort();
  const { signal } = (listening = new AbortController());
  let lost = false;
  while (!signal.aborted) {
    try {
      const news = await ask(`people/${me}/news?since=${since}&world=${world}`, { signal });
      if (signal.aborted) return;
      if (lost) complain("");
      lost = false;
      take(news);
    } catch {
      if (signal.aborted) return;
      lost = true;
      complain("The practice world does not answer. This page goes on as soon as it is back.");
      await new Promise((done) => setTimeout(done, 1500));
    }
  }
}

function take(news) {
  const anew = since === 0 || news.world !== world;
  if (news.world !== world) seen = new Map();
  world = news.world;
  const before = current()?.id;
  if (anew) posts = [];
  chats = news.chats;
  posts.push(...news.posts);
  since = news.newest;
  if (anew) for (const chat of chats) seen.set(chat.id, seen.get(chat.id) ?? newestIn(chat));
  if (anew || current()?.id !== before) showChat();
  else showPosts(news.posts.filter((post) => post.chat === before));
  showChats();
  showHints();
}

function complain(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = !text;
}

const current = () => chats.find((chat) => chat.id === picked) ?? chats[0];
const postsOf = (chat) => posts.filter((post) => post.chat === chat.id);
const newestIn = (chat) => postsOf(chat).at(-1)?.id ?? 0;

// ---- drawing ----

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function makeFace(name, kind) {
  const initials = name.split(" ").map((word) => word[0]).join("").slice(0, 2);
  const face = make("span", `face ${kind}`, kind === "team" ? "#" : initials);
  face.setAttribute("aria-hidden", "true");
  return face;
}

function showChats() {
  const focused = document.activeElement?.dataset?.chat;
  $("chats").replaceChildren(...chats.map(makeEntry));
  if (focused) $("chats").querySelector(`[data-chat="${focused}"]`)?.focus();
}

function makeEntry(chat) {
  const button = make("button");
  button.type = "button";
  button.dataset.chat = chat.id;
  const name = make("span", "name", chat.title);
  if (chat.direct) name.append(make("span", "badge", "bot"));
  const last = postsOf(chat).at(-1);
  const words = make("span");
  words.append(name, make("span", "last", last ? preview(last, chat) : "No messages yet"));
  button.append(makeFace(chat.title, chat.direct ? "" : "team"), words);
  const unread = postsOf(chat).filter((post) => post.id > (seen.get(chat.id) ?? 0)).length;
  if (chat.id === current().id) {
    button.setAttribute("aria-current", "true");
  } else if (unread) {
    const count = make("span", "count", String(unread));
    count.append(make("span", "unseen", " new"));
    button.append(count);
  }
  button.addEventListener("click", () => {
    picked = chat.id;
    complain("");
    showChat();
    showChats();
    showHints();
  });
  const item = make("li");
  item.append(button);
  return item;
}

function showChat() {
  const chat = current();
  title.textContent = chat ? chat.title : "No chat yet";
  if (chat?.direct) title.append(make("span", "badge", "bot"));
  members.textContent = !chat ? "" : chat.direct ? "Only you and the bot" : chat.members.join(", ");
  log.setAttribute("aria-live", "off"); // a chat that is opened is not news
  log.replaceChildren();
  showPosts(chat ? postsOf(chat) : []);
  if (!log.firstChild) log.append(make("p", "nothing", "No messages yet. Write the first one below."));
  toEnd();
  requestAnimationFrame(() => log.setAttribute("aria-live", "polite"));
}

function showPosts(fresh) {
  if (!fresh.length) return;
  log.querySelector(".nothing")?.remove();
  const all = postsOf(current());
  for (const post of fresh) log.append(makePost(post, all[all.indexOf(post) - 1]));
  seen.set(current().id, newestIn(current()));
  if (atEnd || fresh.some((post) => post.creator === me)) toEnd();
  else $("jump").hidden = false;
}

function toEnd() {
  log.scrollTop = log.scrollHeight;
  atEnd = true;
  $("jump").hidden = true;
}

function makePost(post, previous) {
  const own = post.creator === me;
  const soon = previous && Date.parse(post.time) - Date.parse(previous.time) < 5 * 60 * 1000;
  const follows = previous?.creator === post.creator && soon;
  const node = make("div", `post${own ? " own" : ""}${post.bot ? " bot" : ""}${follows ? " follows" : ""}`);
  const who = make("div", follows ? "unseen" : "who");
  who.append(make("span", own ? "unseen" : "", own ? "You" : post.creator));
  if (post.bot) who.append(make("span", "badge", "bot"));
  who.append(makeTime(post));
  const bubble = make("div", "bubble");
  bubble.append(...render(post));
  node.append(who, bubble);
  if (!own) node.append(makeFace(post.creator, post.bot ? "" : post.creator));
  return node;
}

function makeTime(post) {
  const moment = new Date(post.time);
  const time = make("time", "", moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  time.dateTime = post.time;
  return time;
}

function showHints() {
  const chat = current();
  message.placeholder = chat ? `Message ${chat.title}` : "No chat yet";
  const waited = message.disabled; // until the first news there is nobody to write to
  message.disabled = $("send").disabled = !chat;
  if (waited && chat && document.hasFocus() && document.activeElement === document.body) message.focus();
  $("chips").hidden = !chat?.hasBot;
  $("hint").className = chat?.direct ? "keys" : "";
  $("hint").textContent = !chat ? ""
    : chat.direct ? "Enter sends, Shift + Enter starts a new line."
    : chat.hasBot ? "In the team the bot listens when you mention it: write @bot."
    : "The bot is not in this team.";
}

// ---- RingCentral's markdown, as far as a bot needs it ----

const INLINE = new RegExp([
  /!\[:Person\]\((?<person>\d+)\)/, // a mention
  /\[(?<text>[^\]\n]+)\]\((?<url>https?:\/\/[^\s)]+)\)/,
  /(?<bare>https?:\/\/[^\s<>"]*[^\s<>".,:;!?)\]'*])/,
  /\*\*(?<bold>[^\n]+?)\*\*/,
  /\*(?<italics>[^\s*](?:[^*\n]*[^\s*])?)\*/,
].map((part) => part.source).join("|"), "g");

function render(post) {
  const blocks = [];
  post.text.split(/\[code\]([^]*?)\[\/code\]/).forEach((part, index) => {
    if (index % 2) blocks.push(makeCode(part));
    else blocks.push(...renderLines(part.trim(), post.mentions));
  });
  return blocks;
}

function makeCode(text) {
  const code = make("pre", "", text.replace(/^\n|\n$/g, ""));
  code.tabIndex = 0; // so that the keyboard can scroll it
  return code;
}

function renderLines(text, mentions) {
  const blocks = [];
  let block = null;
  for (const line of text.split("\n")) {
    const bullet = /^\s*[*•-]\s+(.*)/.exec(line);
    const tag = bullet ? "UL" : "P";
    if (!line.trim()) {
      block = null;
    } else if (block?.tagName !== tag) {
      block = make(tag);
      blocks.push(block);
    } else if (!bullet) {
      block.append(make("br"));
    }
    if (bullet) {
      const item = make("li");
      item.append(...renderInline(bullet[1], mentions));
      block.append(item);
    } else {
      block?.append(...renderInline(line, mentions));
    }
  }
  return blocks;
}

function renderInline(text, mentions) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    nodes.push(document.createTextNode(text.slice(end, found.index)));
    nodes.push(makeInline(found, mentions));
    end = found.index + found[0].length;
  }
  nodes.push(document.createTextNode(text.slice(end)));
  return nodes;
}

function makeInline(found, mentions) {
  const { person, text, url, bare, bold, italics } = found.groups;
  if (person) return make("span", "mention", `@${mentions[person] ?? "somebody"}`);
  if (url || bare) return makeLink(text ?? bare, url ?? bare);
  const node = make(bold ? "strong" : "em");
  node.append(...renderInline(bold ?? italics, mentions));
  return node;
}

function makeLink(text, url) {
  const link = make("a", "", text);
  link.href = url; // the pattern lets only http and https through
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  link.append(make("span", "unseen", " (opens in a new tab)"));
  return link;
}

function preview(post, chat) {
  if (post.creator === me) return `You: ${plain(post)}`;
  return chat.direct ? plain(post) : `${post.creator}: ${plain(post)}`;
}

const plain = (post) => post.text
  .replace(/!\[:Person\]\((\d+)\)/g, (_, id) => `@${post.mentions[id] ?? "somebody"}`)
  .replace(/\[([^\]\n]+)\]\(https?:[^\s)]+\)/g, "$1")
  .replace(/\[\/?code\]|\*/g, "");

// ---- what the person does ----

async function send() {
  const text = message.value.trim();
  const chat = current();
  if (!text || !chat) return;
  message.value = "";
  grow();
  try {
    await ask(`people/${me}/chats/${chat.id}/posts`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ text }),
    });
    complain("");
  } catch (error) {
    message.value ||= text; // nothing that somebody wrote is lost
    grow();
    complain(error instanceof TypeError ? "The message was not sent: the practice world does not answer." : error.message);
  }
}

function grow() {
  message.style.height = "auto";
  message.style.height = `${message.scrollHeight + 2}px`; // 2: the border
}

function become(name) {
  me = name;
  [since, chats, posts, picked, seen] = [0, [], [], null, new Map()];
  history.replaceState(null, "", `#${name}`);
  listen();
}

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
message.addEventListener("input", grow);
message.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
});
$("chips").addEventListener("click", ({ target }) => {
  if (target.tagName !== "BUTTON") return;
  message.value = current().direct ? target.textContent : `@bot ${target.textContent}`;
  send();
});
$("who").addEventListener("change", ({ target }) => become(target.value));
$("jump").addEventListener("click", () => {
  toEnd();
  log.focus(); // the button is gone, and the keyboard must not start at the top again
});
log.addEventListener("scroll", () => {
  atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  if (atEnd) $("jump").hidden = true;
});
new ResizeObserver(() => atEnd && toEnd()).observe(log); // the input grows, a phone is turned

const names = [...document.getElementsByName("who")];
const chosen = names.find((one) => one.value === location.hash.slice(1)) ?? names[0];
chosen.checked = true;
become(chosen.value);
