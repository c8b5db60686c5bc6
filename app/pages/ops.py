"""The queues: what waits, who works on it, and the switch that stops them; and the cache."""

from __future__ import annotations

import uuid

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from redis.exceptions import RedisError
from werkzeug.wrappers import Response

from app import saving
from app.advice import advice
from app.auth import me, ops, rule
from app.bodies import PaysWhileSaving, validated
from app.budgets import budgets
from app.cache import cache_view
from app.extensions import db
from app.feedback import feedback
from app.pages import blueprint
from app.pages.display import figure
from app.pages.forms import line_field
from app.pages.labels import QUEUES
from app.queues import ESSAY_QUEUES, overview, pause, resume
from app.shares import shares
from app.tiers import tiers
from grading.cache.chain import chain
from grading.cache.shared import EVERYTHING
from grading.drifts import open_drifts
from models.base import now
from models.session import snapshot


@blueprint.get("/queues")
@rule(ops)
def queues() -> str:
    # What the open page fetches every few seconds is without the shares, which are counted from a week of essays.
    windows = None if request.args.get("part") == "queues" else shares(db())
    return render_template(
        "ops/queues.html",
        queues=overview(db()),
        tiers=tiers(db()),
        windows=windows,
        prompts=None if windows is None else feedback(db()),
        drifts=open_drifts(db()),
        budgets=[] if windows is None else budgets(db()),
        saving=saving.state(db()),
        paid_classes=saving.classes(db()),
        alerts=saving.alerts(db()),
        pausable=ESSAY_QUEUES,
        at=now(),
    )


@blueprint.post("/queues/<name>/pause")
@rule(ops)
def pause_queue(name: str) -> Response:
    pause(name, me())
    flash(_("%(queue)s is paused. What is being graded is finished; nothing else is taken.", queue=_shown(name)))
    return redirect(url_for("pages.queues"), 303)


@blueprint.post("/queues/<name>/resume")
@rule(ops)
def resume_queue(name: str) -> Response:
    resume(name)
    flash(_("%(queue)s goes on.", queue=_shown(name)))
    return redirect(url_for("pages.queues"), 303)


@blueprint.get("/cache")
@rule(ops)
def cache() -> str:
    return render_template("ops/cache.html", cache=cache_view(db()), at=now())


@blueprint.post("/cache/purge")
@rule(ops)
def purge_cache() -> Response:
    """Forget what has the tag, or everything."""
    try:
        gone = chain().invalidate(request.form.get("tag") or EVERYTHING)
    except RedisError:
        flash(_("Redis does not answer; this will be done when it is back."))
    else:
        flash(_("%(count)s answers are forgotten, in every process.", count=figure(gone)))
    return redirect(url_for("pages.cache"), 303)


@blueprint.post("/saving/on")
@rule(ops)
def turn_saving_on() -> Response:
    saving.turn_on(me(), {"reason": line_field("reason")})
    return redirect(url_for("pages.queues"), 303)


@blueprint.post("/saving/off")
@rule(ops)
def turn_saving_off() -> Response:
    saving.turn_off(me())
    return redirect(url_for("pages.queues"), 303)


@blueprint.post("/saving/classes/<uuid:class_id>")
@rule(ops)
def pay_for_class(class_id: uuid.UUID) -> Response:
    body = validated(PaysWhileSaving, {"pays_while_saving": line_field("pays_while_saving")})
    saving.pay_for(class_id, body.pays_while_saving)
    return redirect(url_for("pages.queues"), 303)


@blueprint.get("/costs/advice")
@rule(ops)
def cost_advice() -> str:
    with snapshot() as seen:
        return render_template("ops/advice.html", found=advice(seen), at=now())


def _shown(name: str) -> str:
    return str(QUEUES.get(name, name))
