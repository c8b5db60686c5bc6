"""deploy/prometheus and deploy/grafana: Prometheus itself checks its files, scrapes the web, and knows every name."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from app.metrics import metric_names
from models.session import session
from settings import ROOT
from tests.factories import School, make_essay, make_school
from tests.grading.costs.test_totals import call
from tests.stack import eventually, free_port, gunicorn

FOLDER = ROOT / "deploy" / "prometheus"
DASHBOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
needs_prometheus = pytest.mark.skipif(
    not (shutil.which("promtool") and shutil.which("prometheus")),
    reason="no Prometheus on this machine: `make test` installs Debian's when it may",
)


def expressions() -> Iterator[str]:
    """Every query of the dashboards and the rules."""
    for path in DASHBOARDS:
        board = json.loads(path.read_text())
        yield from (target["expr"] for panel in board["panels"] for target in panel["targets"])
        yield from (each["expr"] for each in board["annotations"]["list"])
    for group in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


@pytest.fixture
def names(database: None, redis: Any) -> set[str]:
    with session() as db:
        return metric_names(db)


def test_every_name_in_dashboards_and_rules_is_one_of_ours(names: set[str]) -> None:
    asked = {name for one in expressions() for name in re.findall(r"\b(?:llm|pizhu)_[a-z_]+", one)}
    assert len(asked) > 15
    known = names
    assert {name for name in asked if re.sub(r"_(bucket|sum|count|total)$", "", name) not in known} == set()


def test_every_name_of_ours_is_explained(names: set[str]) -> None:
    words = (ROOT / "docs" / "monitoring.md").read_text()
    assert [name for name in sorted(names) if f"`{name}" not in words] == []


def test_dashboards_ask_the_source_that_is_provisioned_and_do_not_overlap() -> None:
    folder = ROOT / "deploy" / "grafana" / "provisioning" / "datasources"
    [source] = yaml.safe_load((folder / "pizhu.yml").read_text())["datasources"]
    for path in DASHBOARDS:
        board = json.loads(path.read_text())
        assert {panel["datasource"]["uid"] for panel in board["panels"]} == {source["uid"]}
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
        cells = [
            (x, y)
            for panel in board["panels"]
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        ]
        assert len(set(cells)) == len(cells)
        assert max(x for x, _ in cells) < 24


@pytest.mark.slow
@needs_prometheus
@pytest.mark.parametrize(
    "arguments",
    [("check", "config", "prometheus.yml"), ("check", "rules", "rules.yml"), ("test", "rules", "rules_test.yml")],
    ids=" ".join,
)
def test_promtool_finds_nothing_wrong(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def school(database: None, redis: Any) -> School:
    return make_school()


@pytest.fixture
def prometheus(school: School, tmp_path: Path) -> Iterator[str]:
    """A Prometheus that scrapes two real webs of ours every second, with the rules of deploy/; its address."""
    token = tmp_path / "token"
    token.write_text("a token for the scraper")
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(FOLDER / "rules.yml")]
    [job] = config["scrape_configs"]
    job["authorization"] = {"credentials_file": str(token)}
    port = free_port()
    with gunicorn(PIZHU_METRICS_TOKEN=token.read_text()) as one, gunicorn(PIZHU_METRICS_TOKEN=token.read_text()) as two:
        job["static_configs"] = [{"targets": [base.removeprefix("http://") for base in (one, two)]}]
        (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
        command = ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
        command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
        process = subprocess.Popen(command)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


@needs_prometheus
@pytest.mark.slow
def test_a_real_prometheus_reads_the_ledger_the_queues_and_the_rules_and_counts_once_what_two_webs_tell(
    school: School, prometheus: str
) -> None:
    def answered(query: str) -> list[dict[str, Any]]:
        answer = requests.get(f"{prometheus}/api/v1/query", {"query": query}, timeout=20).json()
        assert answer["status"] == "success", (query, answer)
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def ask(query: str) -> float | None:
        try:
            found = answered(query)
        except requests.RequestException:  # it is not there yet, or not ready
            return None
        return float(found[0]["value"][1]) if found else None

    call(model="a-model", cost=Decimal("0.25"))
    make_essay(school.student, school.assignment)
    dollars = 'sum(llm_api_cost_dollars_total{model="a-model",task_type="grade"})'
    eventually(lambda: ask("sum(up)") == 2, 60, "two webs are scraped")
    eventually(lambda: ask(dollars) == 0.5, 60, "each tells of the money")
    # What a counter has when it is first seen is no increase: that takes a call afterwards.
    call(model="a-model", cost=Decimal("0.5"))
    eventually(lambda: ask(dollars) == 1.5, 60, "and that it grows")
    assert ask('pizhu_queue_depth{queue="triage"}') == 1
    assert ask('histogram_quantile(0.5, llm_token_usage_bucket{direction="prompt"})')
    rules = requests.get(f"{prometheus}/api/v1/rules", timeout=20).json()["data"]["groups"][0]["rules"]
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}
    assert len(rules) >= 8

    panels = {query: answered(query) for query in expressions()}
    told = {each["metric"]["queue"] for each in panels["max without (instance) (pizhu_queue_depth)"]}
    assert len(told) == len(panels["max without (instance) (pizhu_queue_depth)"]), "a line a queue"
    for query in ("llm_api_cost_dollars_total", "llm_calls_total", "llm_token_usage_sum", "llm_call_seconds_bucket"):
        assert any(query in panel and found for panel, found in panels.items()), f"{query} is on a panel that has data"
    [cost] = panels["sum(max without (instance) (increase(llm_api_cost_dollars_total[24h])))"]
    [one_web] = answered("min(sum by (instance) (increase(llm_api_cost_dollars_total[24h])))")
    assert 0.5 <= float(cost["value"][1]) < 1.5 * float(one_web["value"][1]), "half a dollar, and not once for each web"
