"""What an endpoint's `tls` and `options` ask of a driver that it does not know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.endpoint import Endpoint
from connectors.errors import ConfigurationError

__all__ = ["taken_by_driver"]


@contextmanager
def taken_by_driver(endpoint: Endpoint, *refusals: type[Exception]) -> Iterator[None]:
    """Around the call of a driver that takes them by name, and nothing else: ConfigurationError
    where it knows one not, or cannot use its value. `refusals`: what else it raises for that."""
    not_taken: tuple[type[Exception], ...] = (TypeError, ValueError, *refusals)
    try:
        yield
    except not_taken as error:
        raise ConfigurationError(
            "the driver does not take all of these: "
            f"{', '.join([*endpoint.tls, *endpoint.options])}",
            endpoint=str(endpoint),
            remedy="check the endpoint's tls and options",
        ) from error
