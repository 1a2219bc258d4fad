"""The parts of a job: source, target, capture and columns."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, field_validator, model_validator

from bridge.configuration.catalogue import Sharing
from bridge.configuration.duration import DAY, Duration, Sweep
from bridge.configuration.problem import Fault, Faults, hint, shown
from bridge.configuration.validation import Name, Strict, Text
from bridge.configuration.valuetype import value_type

__all__ = ["Capture", "Column", "Deletes", "Mask", "Rule", "Source", "Target"]

Rule = Literal["resident_id", "credit_code"]
Mask = Literal["name", "phone", "id", "address", "email", "account"]

# What a store may really hold in texts that it calls something else.
Charset = Literal["gb18030", "gbk", "gb2312", "big5", "utf-8", "latin-1"]

_NOT_YET = frozenset({"trigger", "log"})


@lru_cache(maxsize=1)
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _timezone(name: str) -> str:
    if name not in _timezones():
        raise ValueError(f"{shown(name)} is not a time zone{hint(name, _near_zones(name))}")
    return name


def _near_zones(name: str) -> Iterable[str]:
    """Zones of the same region first: a list of six hundred names helps nobody."""
    region = name.partition("/")[0].lower()
    return [z for z in _timezones() if z.lower().startswith(region)] or ["Asia/Shanghai", "UTC"]


def _value_type(text: str) -> str:
    value_type(text)
    return text


Timezone = Annotated[str, AfterValidator(_timezone)]
EndpointName = Annotated[str, Field(min_length=1, max_length=40)]

with warnings.catch_warnings():
    # BaseModel still carries a deprecated method of this name; the file's word is `schema`.
    warnings.filterwarnings("ignore", message='Field name "schema"')

    class _Place(Strict):
        endpoint: EndpointName
        """数据源. The name of an endpoint in bridgehead.yaml."""

        schema: Name | None = None  # type: ignore[assignment]
        """模式. The schema of the table; none given: the endpoint's, else the server's."""


class Source(_Place):
    """源. Where the rows come from: a table or view, or a query, and exactly one of them."""

    table: Name | None = None
    """表或视图. The table or view that is read."""

    query: Text | None = None
    """查询. One SELECT that is read instead of a table; the job then names its key."""

    charset: Charset | None = None
    """字符集. What the bytes of its texts really are; none given: what the store says they are."""

    sheet: Name | None = None
    """工作表. The sheet of a workbook; none given: its template's, else the first visible one."""

    header: Annotated[int, Field(ge=1, le=1000)] | None = None
    """标题行. The row of a file that names its columns; none given: its template's, else row 1."""

    delimiter: Literal[",", ";", "tab"] | None = None
    """分隔符. What parts the fields of a CSV file; none given: what its row of names shows."""

    @property
    def reading(self) -> dict[str, str]:
        """How files are read, as options for their family."""
        given = self.model_dump(exclude_none=True, include={"sheet", "header", "delimiter"})
        return {name: str(value) for name, value in given.items()}

    @field_validator("query")
    @classmethod
    def _without_end_mark(cls, query: str | None) -> str | None:
        return query.rstrip("; \t\r\n") or None if query else query

    @model_validator(mode="after")
    def _one_of_both(self) -> Source:
        if (self.table is None) == (self.query is None):
            found = "neither" if self.table is None else "both"
            raise ValueError(f"needs either table or query, found {found}")
        if self.query is not None and self.schema is not None:
            message = "has no effect on a query; name the schema inside it"
            raise Faults([Fault(("schema",), message)])
        return self


class Target(_Place):
    """目标. Where the rows go."""

    table: Name
    """目标表. The table that is written."""

    adopt: bool = False
    """接管. Let the first load take over a table that already holds rows."""

    cascade: bool = False
    """级联. Let foreign keys that lead here delete or alter rows along with a deleted one."""

    ddl: bool = True
    """建表. Let the job create its own and the receiver's tables; false: the DBA does."""


class Deletes(Strict):
    """删除. How rows that vanished at the source are found."""

    sweep: Sweep = DAY
    """清扫. daily, every_run, an interval, or off: seconds between two sweeps, None when off."""

    @property
    def off(self) -> bool:
        return self.sweep is None

    @property
    def every_run(self) -> bool:
        return self.sweep == 0


class Capture(Strict):
    """抽取. How changes are found at the source."""

    method: Literal["cursor", "compare", "files"]
    """抽取方式. cursor: rows whose stamp moved; compare: all rows; files: new files of a folder."""

    column: Name | None = None
    """时间戳列. The column that holds a row's last change; cursor needs it."""

    stamp: Literal["database", "application"] = "application"
    """时间戳来源. Who writes the stamp. Only `database` can be lossless."""

    overlap: Annotated[Duration, Field(le=31 * DAY)] = 60
    """重读. How far below the watermark each window is read again; 2s when continuous."""

    margin: Annotated[Duration, Field(le=3600)] = 1
    """余量. How far a candidate horizon stays behind the source's clock."""

    drain_wait: Annotated[Duration, Field(le=3600)] = 5
    """等待. How long a run waits for its own candidate horizon."""

    horizon_limit: Annotated[Duration, Field(ge=1, le=7 * DAY)] = 600
    """上界时限. How long a horizon may stand still before the job alarms."""

    timezone: Timezone | None = None
    """时区. The zone of a stamp without one (IANA name); none given: the server's."""

    deletes: Deletes = Deletes()
    """删除. How rows that vanished are found."""

    @field_validator("method", mode="before")
    @classmethod
    def _is_available(cls, method: object) -> object:
        if isinstance(method, str) and method in _NOT_YET:
            raise ValueError(f"'{method}' is not available in this release; use cursor or compare")
        return method

    @model_validator(mode="after")
    def _cursor_has_a_column(self) -> Capture:
        if self.method == "cursor" and self.column is None:
            message = "is missing: name the column that holds a row's last change, or use compare"
            raise Faults([Fault(("column",), message)])
        return self


class Column(Strict):
    """字段. What happens to one column of the source on its way."""

    to: Name | None = None
    """目标字段名. Its name at the target; none given: the same name."""

    title: Text | None = None
    """信息项名称. Its name in the catalogue."""

    rule: Rule | None = None
    """校验规则. What a value must be; a row that breaks it is quarantined."""

    mask: Mask | None = None
    """脱敏. How a value is masked before it leaves the department."""

    codes: Name | None = None
    """代码表. The code table (codes/NAME.csv) that translates its values."""

    charset: Charset | None = None
    """字符集. What the bytes of this column really are; none given: the source's."""

    type: Annotated[str, AfterValidator(_value_type)] | None = None
    """类型. What the values of a file's column are, since a file does not say; none given: text."""

    sharing: Sharing | None = None
    """共享类型. none keeps the column out of the exchange database; none given: the resource's."""

    @field_validator("mask", mode="before")
    @classmethod
    def _can_be_had(cls, mask: object) -> object:
        if mask == "hash":
            message = "without a secret, hashing every number undoes it; use another mask"
            raise ValueError(f"'hash' is not available in this release: {message}")
        return mask

    @property
    def is_shared(self) -> bool:
        return self.sharing != "none"

    @model_validator(mode="after")
    def _mask_or_codes(self) -> Column:
        if self.mask is not None and self.codes is not None:
            message = "cannot stand beside codes: a masked value has no code; keep one of them"
            raise Faults([Fault(("mask",), message)])
        return self
