"""The catalogue entry of a resource, after the 政务信息资源目录编制指南 (试行, 2017)."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from bridge.configuration.creditcode import credit_code_fault
from bridge.configuration.duration import DAY
from bridge.configuration.problem import Fault, Faults, hint, shown
from bridge.configuration.validation import Strict, Text

__all__ = ["Catalogue", "CreditCode", "Sharing", "UpdateCycle", "cycle_seconds", "working_days"]

Sharing = Literal["unconditional", "conditional", "none"]

# The guide names the cycles and gives them no lengths. These are the longest calendar ones.
# Real time is bounded by an hour, because a bridge that is silent for longer cannot be watched.
_CYCLES: dict[str, int | None] = {
    "realtime": 3600,
    "daily": DAY,
    "weekly": 7 * DAY,
    "monthly": 31 * DAY,
    "quarterly": 92 * DAY,
    "half_yearly": 184 * DAY,
    "yearly": 366 * DAY,
    "irregular": None,
}
_WORKING_DAYS = re.compile(r"([1-9][0-9]{0,2}) working days?")
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z/_.-]{0,63}")

# DESIGN I11: without a cycle in the catalogue a job shows itself once a day.
_DEFAULT_CYCLE = DAY


def working_days(cycle: str | None) -> int | None:
    """The N of `N working days`; None for every other cycle."""
    match = _WORKING_DAYS.fullmatch(cycle or "")
    return int(match[1]) if match else None


def cycle_seconds(cycle: str | None) -> int | None:
    """How long a job of this cycle may stay silent; None for `irregular`, which has no bound.

    A working day counts 24 hours; weekends are left out by whoever measures the gap.
    """
    days = working_days(cycle)
    if days is not None:
        return days * DAY
    return _DEFAULT_CYCLE if cycle is None else _CYCLES[cycle]


def _cycle(text: str) -> str:
    if text not in _CYCLES and working_days(text) is None:
        found = f"{shown(text)} is not an update cycle{hint(text, _CYCLES)}"
        raise ValueError(f"{found} (or '5 working days')")
    return text


def _code(text: str) -> str:
    if _CODE.fullmatch(text) is None:
        raise ValueError(f"{shown(text)} is not a resource code such as 307010010001/000001")
    return text


def _credit_code(text: str) -> str:
    fault = credit_code_fault(text)
    if fault:
        raise ValueError(f"{shown(text)} is not a unified social credit code: {fault}")
    return text


UpdateCycle = Annotated[
    str,
    AfterValidator(_cycle),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(_CYCLES)},
                {"type": "string", "pattern": f"^{_WORKING_DAYS.pattern}$"},
            ]
        }
    ),
]
ResourceCode = Annotated[
    str,
    AfterValidator(_code),
    WithJsonSchema({"type": ["string", "integer"], "pattern": f"^{_CODE.pattern}$"}),
]
CreditCode = Annotated[
    str,
    AfterValidator(_credit_code),
    WithJsonSchema({"type": ["string", "integer"], "description": "GB 32100"}),
]


class Catalogue(Strict):
    """What the government resource catalogue says of the resource."""

    category: Text | None = None
    """信息资源分类. The classes it is listed under, e.g. 部门信息资源/市场监管."""

    name: Text | None = None
    """信息资源名称. The resource's name in the catalogue, where it differs from `title`."""

    code: ResourceCode | None = None
    """信息资源代码. The resource's code in the catalogue."""

    provider: Text | None = None
    """信息资源提供方. Who provides it, where that is not the department itself."""

    provider_code: CreditCode | None = None
    """信息资源提供方代码. The provider's unified social credit code."""

    summary: Text | None = None
    """信息资源摘要. What the resource holds, in a sentence or two."""

    format: Text | None = None
    """信息资源格式. The format the catalogue states, e.g. database."""

    sharing: Sharing = "unconditional"
    """共享类型. none (不予共享) lets the job load but refuses every pull and push."""

    condition: Text | None = None
    """共享条件. On what condition it is shared; required for `conditional`."""

    means: Text | None = None
    """共享方式. How it is shared, e.g. 共享平台."""

    open: bool | None = None
    """是否向社会开放. Whether the public may have it."""

    open_condition: Text | None = None
    """开放条件. On what condition the public may have it."""

    update_cycle: UpdateCycle | None = None
    """更新周期. How often the resource must be brought up to date; none given counts as daily."""

    published: date | None = None
    """发布日期. When the resource was published."""

    related: tuple[ResourceCode, ...] = Field(default=())
    """关联资源代码. Codes of resources that this one was made from."""

    @model_validator(mode="after")
    def _condition_is_stated(self) -> Catalogue:
        if self.sharing == "conditional" and self.condition is None:
            message = "is missing: sharing is conditional, so say on what condition"
            raise Faults([Fault(("condition",), message)])
        return self
