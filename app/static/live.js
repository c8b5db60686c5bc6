// Keeps a page true while it is open. Parts marked `data-live="ADDRESS"` are fetched again from the server, which
// renders them as it always does, whenever news comes over the web socket or every `data-every` seconds.

const toasts = document.getElementById("toasts");
let running = null;

/** Fetch all live parts again and put in what has changed. */
export function refresh() {
  running ??= replaceAll().finally(() => { running = null; });
  return running;
}

async function replaceAll() {
  const parts = [...document.querySelectorAll("[data-live]")];
  for (const address of new Set(parts.map((part) => part.dataset.live))) {
    const fresh = await load(address);
    if (!fresh) continue;
    for (const part of parts) {
      const next = part.dataset.live === address && fresh.getElementById(part.id);
      if (next && part.isConnected && !isInUse(part)) replace(part, next);
    }
    replaceCounts(fresh);
  }
  document.dispatchEvent(new Event("pizhu:refreshed"));
}

async function load(address) {
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    return answer.ok && !answer.redirected ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  } catch {
    return null; // the server restarts; the next time will do
  }
}

/** Whether somebody has typed here or selected text; what they are at is not taken from under their hands. */
function isInUse(part) {
  const selection = document.getSelection();
  const fields = [...part.querySelectorAll("input, textarea")];
  return fields.some((field) => field === document.activeElement || field.value !== field.defaultValue)
    || (selection && !selection.isCollapsed && selection.containsNode(part, true));
}

function replace(part, next) {
  if (part.innerHTML === next.innerHTML) return;
  const focusable = (root) => [...root.querySelectorAll("a, button, summary")];
  const place = focusable(part).indexOf(document.activeElement);
  const open = [...part.querySelectorAll("details")].map((details) => details.open);
  part.replaceWith(document.adoptNode(next));
  [...next.querySelectorAll("details")].forEach((details, index) => { details.open = open[index] ?? details.open; });
  if (place >= 0) focusable(next)[place]?.focus();
}

function replaceCounts(fresh) {
  for (const kind of ["[data-unseen]", "[data-waits]"]) {
    const [count, next] = [document, fresh].map((page) => page.querySelector(kind));
    if (count && next) count.replaceWith(document.adoptNode(next));
  }
}

function toast(kind, essayId) {
  const words = toasts.dataset[kind.replace(/_(.)/g, (_, letter) => letter.toUpperCase())];
  if (!words) return;
  const note = document.createElement("div");
  note.className = "toast";
  const link = document.createElement("a");
  link.href = essayId ? `${toasts.dataset.essays}${encodeURIComponent(essayId)}` : toasts.dataset.notices;
  link.textContent = toasts.dataset.open;
  const close = document.createElement("button");
  close.className = "plain";
  close.textContent = toasts.dataset.close;
  close.addEventListener("click", () => note.remove());
  note.append(words, " ", link, " ", close);
  toasts.append(note);
}

function shows(essayId) {
  return document.querySelector("[data-essay]")?.dataset.essay === essayId;
}

for (const seconds of new Set([...document.querySelectorAll("[data-every]")].map((part) => Number(part.dataset.every)))) {
  setInterval(() => { if (!document.hidden) refresh(); }, seconds * 1000);
}

if (toasts && window.io) {
  const socket = window.io();
  socket.on("notice", ({ kind, essay_id: essayId }) => {
    if (!essayId || !shows(essayId)) toast(kind, essayId);
    refresh();
  });
  socket.on("graded", refresh);
  // While words are streaming in, the event stream of the essay itself says when there is more to show.
  socket.on("state", () => { if (!document.querySelector("[data-stream]")) refresh(); });
  // What happened while the socket was down is seen by looking.
  socket.io.on("reconnect", refresh);
}
