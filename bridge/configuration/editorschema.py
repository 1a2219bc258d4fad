"""JSON Schemas of the two kinds of configuration file, for editors that complete and check YAML.

`python -m bridge.configuration.editorschema docs/schema` writes them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pydantic import BaseModel

from bridge.configuration.description import describe_fields
from bridge.job import Job
from bridge.settings import Settings

__all__ = ["json_schema", "write"]

_MODELS: dict[str, type[BaseModel]] = {"bridgehead.schema.json": Settings, "job.schema.json": Job}
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, dict[str, object]]:
    """The schemas by file name."""
    describe_fields()
    return {
        name: {"$schema": _DRAFT, **model.model_json_schema(by_alias=True)}
        for name, model in _MODELS.items()
    }


def write(directory: Path) -> None:
    """Writes the schemas into `directory`, the same bytes every time."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, schema in json_schema().items():
        text = json.dumps(schema, ensure_ascii=False, indent=2)
        (directory / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
