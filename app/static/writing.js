// Counts the characters of a text as the server does, and keeps a form from being sent twice by a double click.

for (const field of document.querySelectorAll("[data-count]")) {
  const shown = document.getElementById(field.dataset.count);
  const count = () => {
    const characters = [...field.value].length; // code points, not UTF-16 units
    shown.textContent = shown.dataset.words.replace("…", characters.toLocaleString(document.documentElement.lang));
    shown.classList.toggle("error", characters > Number(shown.dataset.limit));
  };
  field.addEventListener("input", count);
  shown.hidden = false;
  count();
}

for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  // A page that the browser brings back from its memory may be sent again.
  addEventListener("pageshow", () => { delete form.dataset.sent; });
}
