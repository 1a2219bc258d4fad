"""What a mutant is: one text of one module exchanged, and the test that must notice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Mutant"]


@dataclass(frozen=True)
class Mutant:
    """A deliberate bug. `before` stands exactly once in the module; `test` is the node id of the
    test that must fail on it, by a finding of its own."""

    name: str
    seam: str
    module: str
    before: str
    after: str
    test: str

    @property
    def file(self) -> Path:
        place = Path(__file__).parents[2] / self.module.replace(".", "/")
        return place / "__init__.py" if place.is_dir() else place.with_name(f"{place.name}.py")

    def plant(self, source: str) -> str:
        """The module's text with the bug in it; refused if the text is not there exactly once."""
        times = source.count(self.before)
        if times != 1 or self.before == self.after:
            raise ValueError(f"{self.name}: its text stands {times} times in {self.module}")
        return source.replace(self.before, self.after)
