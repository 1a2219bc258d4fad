"""`/metrics` over HTTP, for a Prometheus server on this machine: it reads, and changes nothing."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Metric, generate_latest, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.registry import Collector

from bridge.configuration.problem import ConfigurationProblems
from bridge.log import log
from bridge.metric.metric import Page
from bridge.metric.scrape import scrape
from bridge.settings import Deployment
from bridge.watched import Watched
from connectors.errors import BridgeheadError, ConfigurationError

__all__ = ["Exporter", "open_server", "text_of"]

_KEPT_SECONDS = 5.0


def text_of(page: Page) -> str:
    """A page in Prometheus's text format."""
    return generate_latest(_registry(_Fixed(page))).decode()


class Exporter(Collector):
    """Reads the ledger when it is asked, and at most every `_KEPT_SECONDS`, however many ask; reads
    the configuration again when its files have changed."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._watched = Watched(deployment)
        self._lock = threading.Lock()
        self._families: list[Metric] = []
        self._read_at: float | None = None
        self._unread = 0
        self._failure = ""

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            if self._read_at is None or time.monotonic() - self._read_at > _KEPT_SECONDS:
                self._refresh()
                page, failure = scrape(self._deployment, self._unread)
                self._tell(failure)
                self._families = list(page.families())
                self._read_at = time.monotonic()
            return self._families

    def _refresh(self) -> None:
        """A configuration that cannot be used changes nothing here but the number of problems: the
        last one stands."""
        try:
            current = self._watched.current()
        except BridgeheadError as error:
            found = error.problems if isinstance(error, ConfigurationProblems) else ()
            self._unread = len(found) or 1
            log.error("the configuration as it was before is measured on: %s", error)
            return
        if current is not self._deployment:
            self._deployment, self._unread = current, 0

    def _tell(self, failure: BridgeheadError | None) -> None:
        """Once for each failure, not at every scrape."""
        told = str(failure or "")
        if told and told != self._failure:
            log.error("the ledger cannot be read: %s", told)
        elif self._failure and not told:
            log.info("the ledger can be read again")
        self._failure = told


def open_server(collector: Collector, host: str, port: int) -> WSGIServer:
    """Listens, and serves once told to; port 0 takes a free one. Raises ConfigurationError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = type("_Server", (ThreadingWSGIServer,), {"address_family": family})
    try:
        return make_server(host, port, _only_metrics(collector), server, _Silent)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {error.strerror or error}",
            remedy="another --host or --port, or end what listens there",
        ) from error


def _only_metrics(collector: Collector) -> Callable[..., Iterable[bytes]]:
    metrics: Callable[..., Iterable[bytes]] = make_wsgi_app(_registry(collector))

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            return metrics(environ, start_response)
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"only /metrics is here\n"]

    return answer


def _registry(collector: Collector) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return registry


class _Fixed(Collector):
    def __init__(self, page: Page) -> None:
        self._page = page

    def collect(self) -> Iterable[Metric]:
        return self._page.families()


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """A line for each scrape would say nothing."""
