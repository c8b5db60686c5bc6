// Keys for a teacher who marks one essay after another. Each key presses a link or a button that is there anyway.

const NAMES = { ArrowRight: "j", ArrowLeft: "k" };
const help = document.getElementById("keys");
const hand = document.getElementById("hand");

const isField = (element) => element.matches("input, textarea, select, [contenteditable]");

function press(key) {
  const wanted = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  wanted?.click();
  return Boolean(wanted);
}

document.addEventListener("keydown", (event) => {
  if (help.open || event.isComposing) return; // the dialog has keys of its own, and so has an input method
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    if (hand?.contains(event.target) || !isField(event.target)) press("save");
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (isField(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const scrolls = event.target.closest("[tabindex]"); // the arrows move what is wider than its place
  if (event.key === "?") help.showModal();
  else if ((scrolls && event.key in NAMES) || !press(NAMES[event.key] ?? event.key)) return;
  event.preventDefault();
});

for (const button of document.querySelectorAll("[data-keys]")) {
  button.hidden = false;
  button.addEventListener("click", () => help.showModal());
}
help.querySelector("[data-close]").addEventListener("click", () => help.close());
for (const hint of document.querySelectorAll("[data-hint]")) hint.hidden = false;
