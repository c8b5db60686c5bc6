// The box to ask in: sends the question, shows the answer as it is written, and stops when the reader has enough.
// An EventSource cannot POST, so the event stream is read here; leaving the page closes it, and the generation ends.

const box = document.getElementById("ask");
const at = (name) => box.querySelector(`[data-${name}]`);
const form = at("asking"), stop = at("stop"), status = at("asking-status"), shown = at("answered");
const answer = at("answer"), reject = at("reject"), from = at("from"), wrong = at("asking-error");
const send = form.querySelector("[type=submit]");
const errors = JSON.parse(box.dataset.errors);
const headers = { "Content-Type": "application/json", "X-CSRFToken": box.dataset.csrf };
let reading = null; // aborts what is being read
form.hidden = false; // without scripts it would lead nowhere

/** Yields [kind, data] of each event of a `text/event-stream` body. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const kind = part.match(/^event: (.*)$/m), data = part.match(/^data: (.*)$/m);
      if (kind && data) yield [kind[1], JSON.parse(data[1])];
    }
  }
}

async function ask() {
  reading?.abort();
  const mine = new AbortController();
  reading = mine;
  begin();
  try {
    const question = form.elements.question.value;
    const body = JSON.stringify({ ...JSON.parse(box.dataset.about), question });
    const reply = await fetch(form.action, { method: "POST", headers, body, signal: mine.signal });
    if (!reply.ok) return fail((await reply.json().catch(() => ({}))).detail, reply.status);
    for await (const [kind, data] of events(reply.body)) {
      if (kind === "delta") write(data);
      else if (kind === "answer") return finish(data);
      else if (kind === "error") return fail(data.message);
    }
    fail();
  } catch {
    if (!mine.signal.aborted) fail();
  } finally {
    if (reading === mine) rest();
  }
}

function begin() {
  wrong.hidden = reject.hidden = from.hidden = shown.hidden = true;
  answer.replaceChildren();
  send.disabled = true;
  stop.hidden = false;
  status.textContent = status.dataset.waiting;
  answer.setAttribute("aria-busy", "true");
}

function rest() {
  reading = null;
  send.disabled = false;
  if (document.activeElement === stop) send.focus();
  stop.hidden = true;
  answer.removeAttribute("aria-busy");
}

function write({ text, restart }) {
  if (restart) answer.replaceChildren();
  if (text) shown.hidden = false;
  answer.append(text);
}

function finish({ id, text, source }) {
  shown.hidden = false;
  if (answer.textContent.trim() !== text) answer.textContent = text;
  status.textContent = status.dataset.done;
  from.hidden = source !== "cache";
  from.textContent = from.dataset.cache;
  reject.hidden = source === "rule";
  reject.dataset.id = id;
}

function fail(message, code) {
  status.textContent = "";
  wrong.textContent = errors[message] ?? errors[code] ?? errors[""];
  wrong.hidden = false;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
form.elements.question.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) form.requestSubmit();
});
stop.addEventListener("click", () => {
  reading?.abort();
  status.textContent = status.dataset.stopped;
});
addEventListener("pagehide", () => reading?.abort());
reject.addEventListener("click", async () => {
  const reply = await fetch(`${form.action}/${reject.dataset.id}/reject`, { method: "POST", headers }).catch(() => null);
  if (!reply?.ok) return fail();
  status.textContent = reject.dataset.thanks;
  form.elements.question.focus();
  reject.hidden = true;
});
