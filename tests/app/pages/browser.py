"""A browser without JavaScript: it reads pages, fills in their forms as they stand, and sends what a browser sends."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

_VOID = {"input", "meta", "link", "img", "br", "rect", "path"}
_SILENT = {"script", "style", "noscript", "title"}


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name and value of each button, by what stands on it."""


class Page(HTMLParser):
    """What a person sees of an answer, and what they may send from it."""

    def __init__(self, answer: TestResponse) -> None:
        super().__init__()
        self.answer, self.status, self.html = answer, answer.status_code, answer.get_data(as_text=True)
        self.path = urlsplit(answer.request.url).path
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.forms: list[Form] = []
        self.essay = ""
        """Text content of the element that holds the essay."""
        self._words: list[str] = []
        self._open: list[tuple[str, dict[str, str]]] = []
        self._textarea: str | None = None
        self._select: str | None = None
        self.feed(self.html)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._words).split())

    def form(self, action: str) -> Form:
        """The one form whose address ends like this."""
        found = [form for form in self.forms if urlsplit(form.action).path.endswith(action)]
        assert len(found) == 1, f"{len(found)} forms end with {action!r}: {[form.action for form in self.forms]}"
        return found[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        if tag not in _VOID:
            self._open.append((tag, attributes))
        name = attributes.get("name", "")
        if tag == "form":
            action = attributes.get("action") or self.answer.request.path
            self.forms.append(Form(action, attributes.get("method", "get")))
        elif tag == "input" and name:
            self.forms[-1].fields[name] = attributes.get("value", "")
        elif tag == "textarea":
            self._textarea = name
            if name:
                self.forms[-1].fields[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            fields = self.forms[-1].fields
            if "selected" in attributes or self._select not in fields:
                fields[self._select] = attributes.get("value", "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass
        if tag == "textarea":
            self._textarea = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._textarea:
            # A parser drops the line break right after the tag.
            self.forms[-1].fields[self._textarea] += data.removeprefix("\n")
        if any("data-essay-text" in attributes for _, attributes in self._open):
            self.essay += data
        if not any(tag in _SILENT for tag, _ in self._open):
            self._words.append(data)
            if self._open and self._open[-1][0] == "button" and self.forms:
                attributes = self._open[-1][1]
                self.forms[-1].buttons[data.strip()] = (attributes.get("name", ""), attributes.get("value", ""))


class Visitor:
    """Somebody at a browser."""

    def __init__(self, client: FlaskClient, language: str = "en") -> None:
        self.client = client
        self.headers = {"Accept-Language": language}

    def get(self, path: str, **query: Any) -> Page:
        return Page(self.client.get(path, query_string=query or None, headers=self.headers, follow_redirects=True))

    def send(self, page: Page, action: str = "", button: str = "", **values: str) -> Page:
        """Fill in these fields of the form of that address, press a button, and follow where it leads."""
        form = page.form(action or page.path)
        unknown = values.keys() - form.fields.keys()
        assert not unknown, f"the form has no field {unknown}"
        fields = form.fields | values
        if button:
            name, value = form.buttons[button]
            fields |= {name: value} if name else {}
        # As HTML has it, every line break goes out as CR LF.
        data = {name: value.replace("\n", "\r\n") for name, value in fields.items()}
        return Page(self.client.post(form.action, data=data, headers=self.headers, follow_redirects=True))
