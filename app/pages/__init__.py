"""The pages that people use: server-rendered, and their forms work without JavaScript."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("pages", __name__)
