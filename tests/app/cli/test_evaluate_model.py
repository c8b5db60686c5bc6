"""app/cli/evaluate_model.py: a hosted model that is asked how sure it is, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis as redis_client
import yaml

from tests.app.cli.test_evaluate import figures, rows, written
from tests.conftest import use_environment
from tests.doubles.openai_server import OpenAiServer, serving
from tests.doubles.openai_server.answers import Answer, essay_asked_about, made_up
from tests.grading.examples import TASK


def knows_itself(body: Mapping[str, Any]) -> Answer:
    """Grades essays with an even number as their people did and is sure of it; is off by two levels elsewhere."""
    answer, essay = made_up(body), essay_asked_about(body) or ""
    right = 1 + essay.count("word") // 8
    good = int(essay.split(".")[0].rpartition(" ")[2]) % 2 == 0
    reply = json.loads(answer.text)
    reply["levels"] = dict.fromkeys(reply["levels"], right if good else right + (2 if right < 4 else -2))
    if "confidence" in reply:
        reply["confidence"] = 95 if good else 15
    return replace(answer, text=json.dumps(reply))


@pytest.fixture
def provider(
    database: None, redis: redis_client.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OpenAiServer]:
    monkeypatch.chdir(tmp_path)
    with serving() as server:
        server.said = knows_itself
        environment = {
            "PIZHU_LOCAL_MODEL": "none",
            "PIZHU_TIERS": json.dumps([{"name": "small", "engine": "openai", "model": "small"}]),
            "PIZHU_PRICES": json.dumps({"small": {"input": "2", "output": "8"}}),
            "PIZHU_OPENAI_BASE_URL": server.base_url,
            "OPENAI_API_KEY": "any",
        }
        with use_environment(environment):
            yield server


def complete(provider: OpenAiServer) -> int:
    """Calls without those that were refused, by which a client learns what this provider does not take."""
    return provider.bill["requests"] - provider.bill["refused"]


@pytest.mark.slow
def test_what_a_hosted_model_says_of_its_own_certainty_is_measured_and_never_mixed_with_grades_without(
    provider: OpenAiServer, tmp_path: Path
) -> None:
    (tmp_path / "task.yaml").write_text(yaml.safe_dump(TASK.to_json(), allow_unicode=True))
    path = written(tmp_path / "a.jsonl", rows(24))
    arguments = (path, "-a", tmp_path / "task.yaml", "--engine", "small", "--marks", 0)

    usual = figures(*arguments)
    (one,) = usual["assignments"]
    assert one["confidence"]["stated"]["missing"] == "no answer states one"
    assert one["confidence"]["keywords"]["essays"] == 24

    asked = figures(*arguments, "--prompts", "stated")
    assert complete(provider) == 48, "grades without a confidence do not stand in for those with one"
    told = asked["assignments"][0]["confidence"]["stated"]
    assert (told["auroc"], told["essays"], told["off"]) == (1, 24, 0.5)
    assert told["curve"] == [{"said": 0.15, "true": 0, "essays": 12}, {"said": 0.95, "true": 1, "essays": 12}]
    assert told["ece"] == pytest.approx(0.1)

    both = figures(*arguments, "--prompts", "stated,v1")
    assert complete(provider) == 48, "both are kept"
    stated, v1 = both["prompts"]["versions"]
    assert 0 < stated["completion_tokens"] - v1["completion_tokens"] < 20
    assert [stated] == asked["prompts"]["versions"], "what it costs is told without another version too"
    assert both["assignments"][0]["confidence"]["stated"] == told
    assert figures(*arguments)["assignments"] == usual["assignments"]
