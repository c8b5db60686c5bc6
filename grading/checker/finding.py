"""What a checker says about a place in a text."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["spelling", "grammar", "repetition", "sentence"]


@dataclass(frozen=True, order=True)
class Finding:
    """`text[start:end]`, counted in code points, is what is wrong; the message is in the text's own language."""

    start: int
    end: int
    kind: Kind
    message: str
    suggestion: str | None = None
    """What could stand there instead, where that is known."""
    sure: bool = True
    """Whether a person may be told; what is not sure is only counted."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
