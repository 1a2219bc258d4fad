"""Metrics by name: the page that lists them, the board that asks for them, the server."""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from bridge.metric.exporter import open_server, text_of
from bridge.metric.metric import METRICS, Page
from connectors.errors import ConfigurationError

DOCS = Path(__file__).resolve().parents[2] / "docs"
BOARD = json.loads((DOCS / "grafana/bridgehead.json").read_text("utf-8"))


def queries() -> Iterator[str]:
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            yield target["expr"]
    for variable in BOARD["templating"]["list"]:
        yield variable["query"]["query"]


def test_every_name_on_the_board_is_measured_and_every_measure_is_on_it() -> None:
    asked = {name for query in queries() for name in re.findall(r"\bbridgehead_\w+", query)}
    assert asked == METRICS.keys()


@pytest.mark.parametrize("query", sorted(set(queries())))
def test_the_board_asks_for_labels_that_exist(query: str) -> None:
    known = {label for name in re.findall(r"bridgehead_\w+", query) for label in METRICS[name][1]}
    matched = re.findall(r"[{,](\w+)=~", query)
    grouped = re.findall(r"by \(([\w, ]+)\)", query)
    assert {*matched, *(name for group in grouped for name in group.split(", "))} <= known
    assert query.count("(") == query.count(")")


def test_panels_do_not_lie_over_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


def test_the_page_lists_every_metric_as_it_is() -> None:
    text = (DOCS / "metrics.md").read_text("utf-8")
    rows = re.findall(r"^\| `(bridgehead_\w+)` \| (.+?) \| (.+) \|$", text, re.MULTILINE)
    written = {name: (meaning, tuple(re.findall(r"`(\w+)`", ls))) for name, ls, meaning in rows}
    assert written == {name: (told, labels[1:]) for name, (told, labels) in METRICS.items()}
    named = set(re.findall(r"\bbridgehead_\w+", text))
    assert named <= METRICS.keys()


@pytest.mark.parametrize("name", METRICS)
def test_names_and_labels_are_those_of_good_metrics(name: str) -> None:
    meaning, labels = METRICS[name]
    assert re.fullmatch(r"bridgehead(_[a-z]+)+", name)
    assert meaning.endswith(".")
    assert labels[0] == "department"
    assert set(labels) <= {"department", "job", "endpoint", "severity", "verdict", "operation"}


def test_a_page_is_text_that_prometheus_reads_and_says_nothing_of_what_is_unknown() -> None:
    page = Page("113301")
    page.put("bridgehead_lag_seconds", None, "a")
    page.put("bridgehead_lag_seconds", 1.5, 'b"\n\\人口')
    page.put("bridgehead_up", True)
    up, lag = text_string_to_metric_families(text_of(page))
    assert [(s.labels, s.value) for s in up.samples] == [({"department": "113301"}, 1.0)]
    assert [(s.labels["job"], s.value) for s in lag.samples] == [('b"\n\\人口', 1.5)]
    assert lag.documentation == METRICS["bridgehead_lag_seconds"][0]


class Fixed(Collector):
    def collect(self) -> Iterable[Metric]:
        page = Page("1")
        page.put("bridgehead_up", 0)
        return page.families()


@pytest.fixture
def address() -> Iterator[str]:
    with open_server(Fixed(), "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def fetch(address: str) -> tuple[int, Any, str]:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.headers, refusal.read().decode()


def test_only_metrics_is_served(address: str) -> None:
    status, headers, text = fetch(f"{address}/metrics")
    assert (status, headers.get_content_type()) == (200, "text/plain")
    assert 'bridgehead_up{department="1"} 0.0' in text
    assert fetch(f"{address}/")[0] == 404
    assert fetch(f"{address}/metrics/../etc")[0] == 404


def test_a_port_that_is_taken_is_one_clear_refusal(address: str) -> None:
    port = int(address.rpartition(":")[2])
    with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1:{port}") as refusal:
        open_server(Fixed(), "127.0.0.1", port)
    assert "--port" in refusal.value.remedy
