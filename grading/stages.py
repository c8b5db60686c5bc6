"""At how many marks of a teacher something is learned from them."""

from __future__ import annotations

from math import ceil

STAGES = (20, 50, 100)
"""Marks at which a version of a calibration is trained,"""
GROWTH = 1.25
"""and then whenever there are so many times as many as the last was trained on."""


def next_stage(trained: int) -> int:
    """How many marks the next version waits for, after one of so many; 0 for the first."""
    return next((stage for stage in STAGES if stage > trained), ceil(trained * GROWTH))
