// The essay page: words of the comments as they are written, and margin notes beside what they are about.

import { refresh } from "./live.js";

const GAP = 12; // pixels between two notes
let source = null;

// --- words as they are written -----------------------------------------------------------------------------------------

function follow() {
  const stream = document.querySelector("[data-stream]");
  if (stream?.dataset.followed) return;
  source?.close();
  source = null;
  if (!stream) return;
  stream.dataset.followed = "yes";
  const shown = stream.closest("[data-waiting]").dataset.waiting;
  const names = JSON.parse(stream.dataset.names);
  source = new EventSource(stream.dataset.events);
  const on = (kind, act) => source.addEventListener(kind, (event) => act(JSON.parse(event.data)));
  on("delta", (delta) => write(stream, names, delta));
  on("position", ({ position }) => sayPosition(position));
  on("state", ({ status }) => { if (status !== shown) lookAgain(); });
  on("graded", lookAgain);
  source.addEventListener("error", () => { if (source?.readyState === EventSource.CLOSED) setTimeout(lookAgain, 5000); });
}

/** The server shows the new state; the stream, if there is still one, is followed from its beginning. */
async function lookAgain() {
  source?.close();
  await refresh();
  const stream = document.querySelector("[data-stream]");
  if (!stream?.dataset.followed) return;
  // Nothing new could be fetched.
  delete stream.dataset.followed;
  stream.replaceChildren();
  setTimeout(follow, 3000);
}

function write(stream, names, { field, text, restart }) {
  if (restart) {
    stream.replaceChildren();
    return;
  }
  const key = field in names ? field : field.split(".")[0]; // the second strength stands under the first
  let part = stream.querySelector(`[data-part="${CSS.escape(key)}"]`);
  if (!part) {
    part = document.createElement("section");
    part.dataset.part = key;
    const heading = document.createElement("h3");
    heading.textContent = names[key] ?? key;
    part.append(heading);
    stream.append(part);
  }
  let words = part.querySelector(`[data-field="${CSS.escape(field)}"]`);
  if (words && stream.lastElementChild.lastElementChild !== words) {
    // A field that was finished begins again: so does the whole reply.
    stream.replaceChildren();
    write(stream, names, { field, text });
    return;
  }
  if (!words) {
    words = document.createElement("p");
    words.dataset.field = field;
    words.dir = "auto";
    part.append(words);
  }
  words.append(text);
}

function sayPosition(position) {
  const status = document.querySelector("[data-status]");
  if (!status || position === null) return;
  status.textContent = position ? status.dataset.ahead.replace("…", position) : status.dataset.next;
}

// --- margin notes ------------------------------------------------------------------------------------------------------

/** Put each note at the height of its words, or below the note before it. */
function align() {
  const list = document.querySelector(".margin ol");
  if (!list) return;
  const notes = [...list.children];
  for (const note of notes) note.style.marginTop = "";
  const { top, left } = list.getBoundingClientRect();
  if (left < document.querySelector(".paper").getBoundingClientRect().right) return; // they stand below it
  let bottom = -GAP;
  for (const note of notes) {
    const mark = document.getElementById(`mark-${note.dataset.note}`);
    const wanted = mark ? mark.getBoundingClientRect().top - top : 0;
    const place = Math.max(wanted, bottom + GAP);
    note.style.marginTop = `${place - Math.max(bottom, 0)}px`;
    bottom = place + note.offsetHeight;
  }
}

/** Light up the words of a note, or the notes of some words. */
function light(event) {
  const at = event.target.closest?.("[data-note], [data-notes]");
  const numbers = new Set((at?.dataset.note ?? at?.dataset.notes ?? "").split(" "));
  for (const part of document.querySelectorAll("[data-note], [data-notes]")) {
    const own = (part.dataset.note ?? part.dataset.notes).split(" ");
    part.classList.toggle("lit", own.some((number) => number && numbers.has(number)));
  }
}

function start() {
  follow();
  align();
}

document.addEventListener("pizhu:refreshed", start);
document.addEventListener("mouseover", light);
document.addEventListener("focusin", light);
addEventListener("resize", align);
addEventListener("load", align);
document.fonts?.ready.then(align);
start();
