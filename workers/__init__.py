"""Celery workers: `celery -A workers worker -Q local` and the like."""

from workers.queue import celery_app as app

__all__ = ["app"]
