// The drawing for the room: lanes, numbered arrows, the newest one lit, and the caption below.
// Texts come from others and enter the page as text, never as markup.

const $ = (id) => document.getElementById(id);
const [lanes, drawing, arrows, listing] = ["lanes", "drawing", "arrows", "listing"].map($);
const FIRST = ["chat", "bot", "browser", "GitHub"]; // always there, so that nothing jumps
const ROW = 56; // the height of an arrow's row, at the smallest size

let drawn = new Map(); // the name of a step -> how it was drawn, and its element
let shape = ""; // the lanes and the width for which that was done

function make(tag, attributes = {}, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

export function draw(steps) {
  const names = [...new Set([...FIRST, ...steps.flatMap((step) => [step.from, step.to])])];
  const width = drawing.clientWidth;
  const size = parseFloat(getComputedStyle(drawing).fontSize) / 17; // grows with the window
  const now = JSON.stringify([names, width, size]);
  if (now !== shape) {
    [shape, drawn] = [now, new Map()];
    arrows.replaceChildren();
    drawLanes(names, width, steps);
  }
  const anew = drawn.size === 0;
  const x = placesOf(names, width);
  const row = ROW * size;
  const height = heightFor(steps.length * row, row);
  const atEnd = drawing.scrollTop + drawing.clientHeight > drawing.scrollHeight - row / 2;
  arrows.setAttribute("width", width);
  arrows.setAttribute("height", height);
  drawLifelines(names, x, height);
  const kept = new Set(steps.map((step) => step.name));
  for (const [name, { node }] of drawn) {
    if (kept.has(name)) continue;
    node.remove();
    drawn.delete(name);
  }
  steps.forEach((step, n) => {
    const look = JSON.stringify([step, n]);
    const before = drawn.get(step.name);
    if (before?.look === look) return;
    const node = drawStep(step, x, (n + 1) * row - 17 * size, width, size);
    if (!before && !anew) node.classList.add("fresh");
    before ? before.node.replaceWith(node) : arrows.append(node);
    fitTitle(node);
    drawn.set(step.name, { look, node });
  });
  const last = steps.at(-1)?.name;
  for (const [name, { node }] of drawn) node.classList.toggle("newest", name === last);
  markLanes(names, steps);
  if (atEnd || drawing.dataset.last !== `${last}`) drawing.scrollTop = drawing.scrollHeight;
  drawing.dataset.last = last;
  listing.replaceChildren(...steps.map((step) => element("li", "", `${endsOf(step)}: ${step.sentence}`)));
}

// High enough for all rows, and so that at the end no row is cut in half at the top.
function heightFor(needed, row) {
  const seen = drawing.clientHeight;
  return needed <= seen ? seen : seen + Math.ceil((needed - seen) / row) * row;
}

function placesOf(names, width) {
  const margin = Math.min(width / names.length / 2, 74 * (width / 616));
  return new Map(names.map((name, n) => [name, margin + (n * (width - 2 * margin)) / (names.length - 1)]));
}

function drawLanes(names, width) {
  const x = placesOf(names, width);
  lanes.replaceChildren(...names.map((name) => {
    const lane = element("b", "", name);
    lane.style.left = `${x.get(name)}px`;
    return lane;
  }));
}

function markLanes(names, steps) {
  const seen = new Set(steps.flatMap((step) => [step.from, step.to]));
  names.forEach((name, n) => lanes.children[n].classList.toggle("waiting", !seen.has(name)));
}

function drawLifelines(names, x, height) {
  arrows.querySelector(".lifelines")?.remove();
  const path = names.map((name) => `M${x.get(name)} 0V${height}`).join("");
  arrows.prepend(make("path", { class: "lifelines", d: path }));
}

function drawStep(step, x, y, width, size) {
  const [from, to] = [x.get(step.from), x.get(step.to)];
  const side = to >= from ? 1 : -1;
  const node = make("g", { class: `step ${step.style}${step.trouble ? " trouble" : ""}` });
  node.dataset.name = step.name;
  node.append(make("rect", { class: "band", x: 0, y: y - 39 * size, width, height: ROW * size, rx: 8 }));
  const asks = step.style !== "answer";
  const start = from + side * (asks ? 15 * size : 2);
  const tip = to - side * 3;
  const back = tip - side * 13 * size;
  const body = make("g", { class: `body ${side > 0 ? "right" : "left"}` });
  body.append(make("path", { class: "shaft", d: `M${start} ${y}H${asks ? back : tip}` }));
  body.append(make("path", { class: "head", d: `M${back} ${y - 7 * size}L${tip} ${y}L${back} ${y + 7 * size}${asks ? "Z" : ""}` }));
  node.append(body);
  if (asks) {
    node.append(make("circle", { cx: from, cy: y, r: 15 * size }));
    node.append(make("text", { class: "number", x: from, y: y + 6 * size }, step.number));
  }
  const title = make("text", { class: "title", x: (from + to) / 2, y: y - 17 * size }, step.title);
  title.dataset.room = Math.abs(to - from) + 40 * size; // beside it the row is empty
  node.append(title);
  const trouble = /^\d+$/.test(step.trouble) ? `✗ ${step.trouble}` : "✗"; // the caption says more
  if (step.trouble) node.append(make("text", { class: "status", x: to + side * 8 * size, y: y + 6 * size }, trouble));
  return node;
}

// What does not fit its arrow loses its end.
function fitTitle(node) {
  const title = node.querySelector(".title");
  const words = title.textContent;
  for (let end = words.length; end > 1 && title.getComputedTextLength() > title.dataset.room; end--) {
    title.textContent = `${words.slice(0, end).trimEnd()}…`;
  }
}

const endsOf = (step) => `${step.from} → ${step.to}`;
const CHANNELS = { front: "front channel", back: "back channel" };

export function caption(step) {
  const ends = $("ends");
  ends.className = step.style;
  ends.replaceChildren(
    ...(step.style === "answer" ? [] : [element("span", "number", step.number), " "]),
    element("strong", "", endsOf(step)), " ",
    element("span", "channel", CHANNELS[step.style] ?? `answer to ${step.number}`),
  );
  $("sentence").textContent = step.sentence;
  $("fields").replaceChildren(...step.fields.map(([name, value]) => {
    const pair = element("div");
    pair.append(element("dt", "", name), element("dd", /‹(\w+)·/.exec(value)?.[1] ?? "", value));
    return pair;
  }));
}

export function noCaption() {
  $("ends").replaceChildren();
  $("fields").replaceChildren();
  $("sentence").textContent = "Somebody wants to see a profile. Press Space to begin.";
}
