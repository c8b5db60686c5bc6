"""Headers of every answer that make a browser distrust what we did not write."""

from __future__ import annotations

import secrets

from flask import Flask, Response, g, request


def register(app: Flask) -> None:
    app.after_request(_protect)
    app.jinja_env.globals["csp_nonce"] = csp_nonce


def csp_nonce() -> str:
    """For `<script nonce>` of this answer; no other inline script runs."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = g.csp_nonce
    return nonce


def _protect(answer: Response) -> Response:
    nonce = f" 'nonce-{csp_nonce()}'" if "csp_nonce" in g else ""
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'self'; script-src 'self'{nonce}; img-src 'self' data:; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "same-origin"
    if request.endpoint != "static":
        # Essays and marks stay in no cache of a shared computer.
        answer.headers.setdefault("Cache-Control", "no-store")
    return answer
