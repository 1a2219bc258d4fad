"""What the docstrings under the fields of a model say: for editors and tests, not for a run.

pydantic would read them at every start (`use_attribute_docstrings`), which takes longer than all
else about the models.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from itertools import chain, pairwise

from pydantic import BaseModel

from bridge.configuration.validation import Strict

__all__ = ["describe_fields"]


def describe_fields() -> None:
    """Gives every field of the configuration's models its docstring as description. Again is
    harmless."""
    models = list(_below(Strict))
    for model in models:
        inherited = (part for part in reversed(model.__mro__) if issubclass(part, Strict))
        for name, text in chain.from_iterable(map(_docstrings, inherited)):
            model.model_fields[name].description = text
    for model in models:
        model.model_rebuild(force=True)


def _below(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Parts before the wholes that hold them, for a module defines them in that order."""
    for child in model.__subclasses__():
        yield child
        yield from _below(child)


def _docstrings(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(body, ast.ClassDef)
    for field, text in pairwise(body.body):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str() as words)),
            ):
                yield name, inspect.cleandoc(words)
