"""The workers as they are, but batches are made and looked at every moment: `celery -A tests.workers.hasty worker`."""

from grading.batching import plan
from grading.engines import openai_batch
from settings import settings
from workers import app

plan.PATIENCE = plan.LOOK = 0.0
plan.SETTLED = 3.0
openai_batch.OPENAI = settings().openai_base_url  # the double is as strict as OpenAI, and known to be

__all__ = ["app"]
