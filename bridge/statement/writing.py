"""Writes a statement's files, each whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import importlib
from collections.abc import Callable, Sequence
from pathlib import Path

from bridge.settings import Deployment
from bridge.statement.font import find_font
from connectors.errors import BridgeheadError, ConfigurationError, StoreFull
from reconcile.report import render_statement
from reconcile.statement import Statement
from reconcile.wording import Language

__all__ = [
    "FORMATS",
    "LANGUAGES",
    "not_written",
    "require",
    "unusable",
    "write_statement",
    "write_whole",
]

FORMATS = ("html", "xlsx", "pdf")
LANGUAGES: tuple[Language, ...] = ("zh", "en")
_LONGEST = 100  # of the jobs' names in that of a file
_PACKAGES = {"xlsx": "xlsxwriter", "pdf": "fpdf"}


def require(formats: Sequence[str], deployment: Deployment) -> None:
    """ConfigurationError where a format cannot be written here; nothing has been read by then."""
    for package in (_PACKAGES[name] for name in formats if name in _PACKAGES):
        try:
            importlib.import_module(package)
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                f"{error.name} is not installed", remedy="pip install 'bridgehead[statement]'"
            ) from error
    if "pdf" in formats:
        find_font(deployment)


def write_statement(
    statement: Statement,
    deployment: Deployment,
    formats: Sequence[str],
    languages: Sequence[Language],
    folder: Path,
) -> list[Path]:
    """One page for all languages; a workbook and a PDF for each."""
    stem = folder / _stem(statement)
    files: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if "html" in formats:
            page = render_statement(statement, languages).encode()
            files.append(write_whole(Path(f"{stem}.html"), lambda part: part.write_bytes(page)))
        for language in languages:
            for name, write in _writers(statement, deployment, formats, language):
                files.append(write_whole(Path(f"{stem}.{language}.{name}"), write))
    except OSError as error:
        raise unusable(folder, error) from error
    return files


def unusable(folder: Path, error: OSError) -> BridgeheadError:
    return not_written(
        f"the statement cannot be written to {folder}: {error.strerror}",
        error,
        "name a folder that this account may write to: --output DIR, or BRIDGEHEAD_REPORTS "
        "for Airflow",
    )


def not_written(message: str, error: OSError, remedy: str) -> BridgeheadError:
    """A full disk may have room later, without anybody's configuring anything."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(message, remedy="free disk space there")
    return ConfigurationError(message, remedy=remedy)


def _writers(
    statement: Statement, deployment: Deployment, formats: Sequence[str], language: Language
) -> list[tuple[str, Callable[[Path], object]]]:
    """What they write with is an extra, and slow to load."""
    found: list[tuple[str, Callable[[Path], object]]] = []
    if "xlsx" in formats:
        from bridge.statement.book import write_book

        found.append(("xlsx", lambda part: write_book(statement, language, part)))
    if "pdf" in formats:
        from bridge.statement.paper import write_paper

        font = find_font(deployment)
        found.append(("pdf", lambda part: write_paper(statement, language, font, part)))
    return found


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """The absolute path. What was there before stays until all is written."""
    path = path.absolute()
    part = path.with_name(path.name + ".part")
    try:
        write(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _stem(statement: Statement) -> str:
    report = statement.report
    begin, end = (m.astimezone(report.zone) for m in (report.period_from, report.period_to))
    whole = f"statement-{report.department_code}-{begin:%Y-%m-%d}-{end:%Y-%m-%d}"
    if not report.left_out:
        return whole
    names = ",".join(job.job for job in report.jobs)
    if not 0 < len(names) <= _LONGEST:
        names = f"{len(report.jobs)}-jobs-{hashlib.sha256(names.encode()).hexdigest()[:8]}"
    return f"{whole}-{names}"
