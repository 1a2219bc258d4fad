"""What a Prometheus server asks for: metrics."""

from __future__ import annotations

import ipaddress
from typing import Annotated

import typer

from bridge.cli.session import Session
from bridge.cli.shown import show_error
from bridge.errors import InternalError
from bridge.log import log
from bridge.metric.exporter import Exporter, open_server, text_of
from bridge.metric.scrape import nothing_known, scrape
from connectors.errors import BridgeheadError

commands = typer.Typer()


@commands.command()
def metrics(
    ctx: typer.Context,
    serve: Annotated[bool, typer.Option("--serve", help="Answer at /metrics until ended.")] = False,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where --serve listens.")] = (
        "127.0.0.1"
    ),
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="And at which port; 0: a free one.")
    ] = 9464,
) -> None:
    """Measurements in Prometheus's text format, from the ledger alone."""
    session: Session = ctx.obj
    if serve:
        _serve(session, host, port)
        return
    try:
        deployment = session.deployment
    except BridgeheadError:
        print(text_of(nothing_known("")), end="")
        raise
    page, failure = scrape(deployment)
    print(text_of(page), end="")
    if isinstance(failure, InternalError) and failure.__cause__:
        raise failure.__cause__
    if failure is not None:
        show_error(failure, "metrics", deployment)
        raise typer.Exit(failure.exit_code)


def _serve(session: Session, host: str, port: int) -> None:
    with open_server(Exporter(session.deployment), host, port) as server:
        if not _is_loopback(host):
            log.warning("%s is open to others: anyone who reaches it may read the metrics", host)
        named = f"[{host}]" if ":" in host else host
        log.info("metrics at http://%s:%s/metrics", named, server.server_port)
        server.serve_forever()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
