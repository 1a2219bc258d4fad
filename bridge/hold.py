"""A run's hold on a job: the lock, the token, and sessions with the three stores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property

from sqlalchemy import Connection

from bridge.errors import Gap, Outdated
from bridge.failpoint import failpoint
from bridge.guard import Guard
from bridge.job import Job
from bridge.ledger import Ledger
from bridge.ledger.migrations import (
    has_receiver,
    is_exchange_current,
    is_receiver_unversioned,
    lost_receiver_tables,
    upgrade_exchange,
    upgrade_receiver,
)
from bridge.ledger.receiver import Position, Receiver
from bridge.settings import Deployment
from connectors.connector import Connector
from connectors.endpoint import Endpoint
from connectors.errors import ConfigurationError, MissingObject, MissingRight
from connectors.registry import connect

__all__ = ["SCHEMA_LOCK", "SCHEMA_WAIT_SECONDS", "Hold", "hold", "lock_of", "open_ledger"]

SCHEMA_LOCK = "bridgehead schema"
SCHEMA_WAIT_SECONDS = 60.0


class Hold:
    """One run's way of working on one job. The lock decides, the token protects: every transaction
    that changes state locks the job's row with the token first."""

    def __init__(self, deployment: Deployment, job: Job, exchange: Connector, stack: ExitStack):
        self.deployment = deployment
        self.job = job
        self.department = deployment.department.code
        self.exchange = exchange
        self._stack = stack
        self._stores = {"exchange": exchange}
        self.token = 0
        self.reached = {exchange.endpoint.name}
        self._has_whole_receiver = False

    @property
    def name(self) -> str:
        return self.job.job

    @cached_property
    def guard(self) -> Guard:
        folder, exchange = self.deployment.guard_folder, str(self.exchange.endpoint)
        return Guard(folder, self.department, self.name, exchange)

    @cached_property
    def has_current_ledger(self) -> bool:
        """Of this release: a run has made it so, and whoever only looks may find none. Begins a
        transaction of its own."""
        if self.token:
            return True
        with self.exchange.transaction() as connection:
            return is_exchange_current(connection)

    @cached_property
    def source(self) -> Connector:
        endpoint = self.deployment.endpoint(self.job.source.endpoint)
        options = {**endpoint.options, **self.job.source.reading}
        return self._join("source", replace(endpoint, options=options, is_filled=False))

    @cached_property
    def target(self) -> Connector:
        target = self._join("target", self.deployment.endpoint(self.job.target.endpoint))
        if self.token:
            self._make_receiver_current(target)
        return target

    def another_exchange(self) -> Connector:
        """A second session with the exchange database, for work side by side."""
        return self._open(self.exchange.endpoint)

    def ledger(self, exchange: Connector | None = None) -> Ledger:
        """The ledger over that session, or over the hold's own."""
        connection = (exchange or self.exchange).connection
        return Ledger(connection, self.department, self.name, token=self.token)

    def receiver(self) -> Receiver:
        """In the caller's transaction at the target. Gap where one of its tables was dropped."""
        lost = [] if self._has_whole_receiver else lost_receiver_tables(self.target.connection)
        if lost:
            again = f"bridgehead resync {self.name} --why TEXT"
            if not self.job.target.ddl:
                again = (
                    f"have them created as bridgehead check {self.name} --ddl says, then {again}"
                )
            raise Gap(
                f"{self.name}: the target has lost receiver tables: {', '.join(lost)}",
                remedy=f"find out who dropped them, and have them brought back; or {again}",
            )
        self._has_whole_receiver = True
        return Receiver(self.target.connection, self.department, self.name)

    def take(self, minimum: int = 0) -> None:
        """Make this the run that may write, ahead of every token seen so far. `Busy` if it was,
        and another has taken the job over since."""
        with self.exchange.transaction():
            ledger = self.ledger()
            ledger.register()
            if self.token:
                ledger.fence()
            self.token = ledger.take(minimum)
            failpoint("hold.taking")

    def outrun(self, token: int) -> None:
        """A ledger that was restored does not know the tokens that were given since."""
        if token >= self.token:
            self.take(token)

    def take_target(self) -> Position | None:
        """How far the receiver confirms that it is, and there it stays: what a run that was held up
        still has in its hands is refused from the commit on. None if the job never came there."""
        with self.target.transaction():
            known = self.receiver().position()
        if known is None:
            return None
        self.outrun(known.token)
        with self.target.transaction():
            receiver = self.receiver()
            position = receiver.confirmed(receiver.lock_position(self.token))
            failpoint("target.taking")
        failpoint("target.taken")
        return position

    def finds_receiver(self, connection: Connection) -> bool:
        """As `has_receiver`. Where the DBA makes its tables, those that came back without their
        version are Outdated, too."""
        found = has_receiver(connection)
        if not (found or self.job.target.ddl) and is_receiver_unversioned(connection):
            raise Outdated("the receiver's tables do not say of which release they are")
        return found

    def unseen(self, error: MissingRight) -> MissingRight:
        """The same, where the DBA makes the receiver's tables: that there are none yet, MariaDB
        tells nobody who has no right to them."""
        if self.job.target.ddl:
            return error
        return MissingRight(
            error.message,
            endpoint=error.endpoint,
            remedy=f"ask the DBA for this right, and for what bridgehead check {self.name} --ddl "
            "prints, if anything",
        )

    def _make_receiver_current(self, target: Connector) -> None:
        """The receiver's tables, if those of an earlier release are there: before anything is asked
        of them."""
        try:
            with target.transaction() as connection:
                self.finds_receiver(connection)
                return
        except MissingRight as error:
            if self.job.target.ddl:
                raise
            raise self.unseen(error) from error
        except Outdated as error:
            if not self.job.target.ddl:
                raise MissingObject(
                    f"{self.name}: {error.message}",
                    endpoint=target.endpoint.name,
                    remedy=f"bridgehead check {self.name} --ddl prints it for the DBA",
                ) from error
        with target.lock(SCHEMA_LOCK, SCHEMA_WAIT_SECONDS), target.definition() as connection:
            upgrade_receiver(connection)
            failpoint("receiver.made")

    def _join(self, role: str, endpoint: Endpoint) -> Connector:
        """A session whose transactions are open beside those of the others."""
        opened = self._open(endpoint)
        for other, store in self._stores.items():
            why = opened.hindrance(store, writes="source" not in (role, other))
            if why is not None:
                first, second = (role, other) if role == "source" else (other, role)
                raise ConfigurationError(
                    f"{self.name}: {first} and {second} are one store: {why}",
                    endpoint=endpoint.name,
                    remedy="name another file or database for one of them",
                )
        self._stores[role] = opened
        return opened

    def _open(self, endpoint: Endpoint) -> Connector:
        opened = self._stack.enter_context(connect(endpoint))
        self.reached.add(endpoint.name)
        return opened


@contextmanager
def hold(deployment: Deployment, job: Job, wait_seconds: float) -> Iterator[Hold]:
    """The job, held by this run alone. Raises Busy after `wait_seconds`; everything is let go at
    the end, also when the process dies."""
    with ExitStack() as stack:
        exchange = stack.enter_context(open_ledger(deployment))
        name = lock_of(deployment.department.code, job.job)
        stack.enter_context(exchange.lock(name, wait_seconds))
        held = Hold(deployment, job, exchange, stack)
        failpoint("hold.locked")
        held.take()
        failpoint("hold.taken")
        yield held


def lock_of(department: str, job: str) -> str:
    """The lock that whoever works on a job holds, at the exchange."""
    return f"bridgehead job {department}/{job}"


@contextmanager
def open_ledger(deployment: Deployment) -> Iterator[Connector]:
    """A session with the exchange database, its ledger's tables made or brought up to date."""
    with connect(deployment.endpoint(deployment.exchange)) as exchange:
        _make_current(exchange)
        yield exchange


def _make_current(exchange: Connector) -> None:
    """Schema work runs under a lock, once; a ledger newer than this code is refused."""
    with exchange.transaction():
        if is_exchange_current(exchange.connection):
            return
    with exchange.lock(SCHEMA_LOCK, SCHEMA_WAIT_SECONDS), exchange.definition():
        upgrade_exchange(exchange.connection)
        failpoint("ledger.making")
    failpoint("ledger.made")
