"""What was learned from a teacher's marks of one assignment, version after version. Rows are only ever added."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Identified


class Calibration(Identified, Base):
    """A trained version. The one that is used, if any, is `Assignment.calibration_id`.

    The dump is a program's own memory: it is read only when its signature is the one that this installation's secret
    key makes, and by the library that wrote it.
    """

    __tablename__ = "calibrations"
    __table_args__ = (Index("ix_calibrations_assignment", "assignment_id", "created_at"),)

    assignment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"))
    rubric_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("rubric_versions.id"))
    version: Mapped[str] = mapped_column(String(64))
    """SHA-256 of what it was trained on and how."""
    marks: Mapped[int]
    """On so many of the teacher's marks."""
    dump: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the dump, the evidence and the predictions."""
    signature: Mapped[str] = mapped_column(String(64))
    """HMAC-SHA256 of the digest and of what the version belongs to."""
    library: Mapped[str] = mapped_column(String(40))
    """Version of scikit-learn that the dump can be read by."""
    scale: Mapped[dict[str, Any]]
    """`low`, `high` and `step` of the teacher's marks, in points."""
    quality: Mapped[dict[str, Any] | None]
    """`qwk` and `mean_error` (points) by cross-validation on its own marks; None with too few."""
    graders: Mapped[dict[str, Any]]
    """Agreement (QWK) of each model with the teacher on this assignment; None where it is not trusted."""
    evidence: Mapped[list[Any]] = mapped_column(deferred=True)
    """Of each marked essay `essay`, `mark`, and `predicted` by a model that had not seen that mark; in points."""
    predictions: Mapped[dict[str, Any]] = mapped_column(deferred=True)
    """Points of each essay without a teacher's mark that there was when this was trained, by the essay's id."""
    comparison: Mapped[dict[str, Any]]
    """With what was in use until then: `used` (whether this took its place), `rival` (`none`, `rubric` or the id of a
    calibration), and on the `essays` that both know the mean errors `error` and `rival_error` in points."""
