"""Checks a document against a model, and says of each fault where it is and what would be right."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from bridge.configuration.configfile import Document
from bridge.configuration.problem import (
    PROBLEMS_PER_FILE,
    Faults,
    Location,
    Problem,
    hint,
    kind,
    shown,
)

__all__ = ["Name", "Strict", "Text", "validate"]

_NAME_LENGTH = 128


class Strict(BaseModel):
    """A part of the configuration: it cannot be changed, and it knows all of its keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        allow_inf_nan=False,
    )


def _name(text: str) -> str:
    if not text or text != text.strip() or len(text) > _NAME_LENGTH or not text.isprintable():
        message = f"{shown(text)} is not a name of 1 to {_NAME_LENGTH} printable characters"
        raise ValueError(message)
    return text


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty; write a text or leave the key out")
    return text.strip()


# The name of a table, column or schema, as the store spells it.
Name = Annotated[str, AfterValidator(_name)]
Text = Annotated[str, AfterValidator(_text)]

_M = TypeVar("_M", bound=BaseModel)


def validate(
    model: type[_M], document: Document, context: dict[str, object] | None = None
) -> tuple[_M | None, list[Problem]]:
    """The model, or None and every fault as a problem with its line."""
    if not isinstance(document.data, dict):
        found = f"must hold keys and values, found {kind(document.data)}"
        return None, [document.problem((), found)]
    try:
        return model.model_validate(document.data, context=context), []
    except ValidationError as error:
        details = error.errors(include_url=False)[: PROBLEMS_PER_FILE + 1]
    return None, [p for detail in details for p in _problems(model, document, detail)]


def _problems(model: type[BaseModel], document: Document, error: ErrorDetails) -> list[Problem]:
    location: Location = tuple(step for step in error["loc"] if step != "[key]")
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, Faults):
        return [document.problem((*location, *f.location), f.message) for f in cause.faults]
    return [document.problem(location, _message(model, error, location))]


def _message(model: type[BaseModel], error: ErrorDetails, location: Location) -> str:
    fault, found = error["type"], shown(error["input"])
    context = error.get("ctx", {})
    if fault == "extra_forbidden":
        return f"unknown key {shown(location[-1])}{hint(location[-1], _keys(model, location[:-1]))}"
    if fault == "missing":
        return "is missing"
    if fault == "value_error":
        return str(context["error"])
    if fault == "literal_error":
        expected = str(context["expected"]).replace("'", "").replace(" or ", ", ")
        return f"{found} is not known{hint(error['input'], expected.split(', '))}"
    wanted = _WANTED.get(fault.partition("_")[0])
    if wanted and fault.endswith(("_type", "_parsing")):
        # Where keys are expected, a text may be a whole connection string.
        return f"must be {wanted}, found {kind(error['input']) if 'mapping' in wanted else found}"
    message = error["msg"]
    return f"{message[0].lower()}{message[1:]}, found {found}"


_WANTED = {
    "bool": "true or false",
    "date": "a date such as 2025-01-31",
    "dict": "a mapping",
    "float": "a number",
    "int": "a whole number",
    "mapping": "a mapping",
    "model": "a mapping",
    "string": "a text",
    "tuple": "a list",
}


def _keys(model: type[BaseModel], location: Location) -> list[str]:
    """The keys of the model at `location`; none where no model is."""
    annotation: Any = model
    for step in location:
        annotation = _inside(annotation, step)
    part = _bare(annotation)
    if isinstance(part, type) and issubclass(part, BaseModel):
        return [info.alias or name for name, info in part.model_fields.items()]
    return []


def _inside(annotation: Any, step: str | int) -> Any:
    part = _bare(annotation)
    if isinstance(part, type) and issubclass(part, BaseModel):
        fields = {info.alias or name: info for name, info in part.model_fields.items()}
        return fields[step].annotation if isinstance(step, str) and step in fields else None
    values = get_args(part)
    if get_origin(part) is tuple:
        return values[0]
    return values[-1] if values and get_origin(part) in (dict, Mapping, _MAPPING) else None


_MAPPING = get_origin(Mapping[str, str])


def _bare(annotation: Any) -> Any:
    """`Annotated[X | None, …]` → X."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _bare(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        options = [a for a in get_args(annotation) if a is not type(None)]
        return _bare(options[0]) if len(options) == 1 else None
    return annotation
