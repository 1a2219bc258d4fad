"""The workbook that a department fills in for a job whose source is a folder of workbooks.

Its titles are for people; the names that the job goes by stand in a hidden row above them, and a
hidden sheet says where the rows are. Cells for numbers that are names are text, so that a
spreadsheet keeps all of their digits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.exceptions import XlsxWriterException

from bridge.configuration.valuetype import value_type
from bridge.job import Column, Job
from connectors.errors import ConfigurationError
from connectors.table import Kind, Type
from connectors.template import FIRST_ROW, MARK, NAMES_ROW, SHEET, VERSION, VERSION_NOW

__all__ = ["write_template"]

_LAST_ROW = 1_048_575
_NAMES, _TITLES, _FIRST = 0, 1, 2  # rows from 0
_CODES, _READ_ME = "_codes", "说明 Read me"
_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")
_RULES = {"resident_id": Type(Kind.TEXT, length=18), "credit_code": Type(Kind.TEXT, length=18)}
_AS_TEXT = 49  # the format that every spreadsheet program knows as text
_FORMATS = {
    Kind.DATE: "yyyy-mm-dd",
    Kind.TIMESTAMP: "yyyy-mm-dd hh:mm:ss",
    Kind.TIME: "hh:mm:ss",
    Kind.DECIMAL: "General",
    Kind.FLOAT: "General",
}
_CHINESE = {
    Kind.TEXT: "文本",
    Kind.INTEGER: "整数",
    Kind.DECIMAL: "小数",
    Kind.FLOAT: "数值",
    Kind.BOOLEAN: "是/否",
    Kind.DATE: "日期",
    Kind.TIME: "时间",
    Kind.TIMESTAMP: "日期时间",
}
_RULE_NAMES = {
    "resident_id": "居民身份证号 resident identity number",
    "credit_code": "统一社会信用代码 unified social credit code",
}
_NOTES = (
    "每行一条记录，从标题行的下一行开始填写。 One row per record, from below the titles.",
    "不要删除隐藏的第 1 行和隐藏的工作表。 Keep the hidden row 1 and the hidden sheets.",
    "证件号码等列为文本格式；粘贴时请选择“只保留文本”。"
    "超过 15 位的数字若不是文本，会丢失末位，该行将被隔离。"
    " Columns of numbers are text; paste as text: a number of more than 15 digits loses its last"
    " ones, and its row is set aside.",
    "不要合并单元格；同一文件中主键不得重复，否则这些行都会被隔离。"
    " Do not merge cells; rows that repeat a key within one file are all set aside.",
    "空单元格表示没有值；整行为空则跳过。 An empty cell is no value; an empty row is passed over.",
    "填好后保存为 .xlsx，关闭文件，再放入上传文件夹。"
    " Save as .xlsx, close the file, and put it into the upload folder.",
)


@dataclass(frozen=True)
class _Field:
    """One column of the template."""

    name: str
    title: str
    type: Type
    is_key: bool
    rule: str | None
    values: tuple[str, ...]

    @property
    def heading(self) -> str:
        return self.title if self.title == self.name else f"{self.title}\n{self.name}"

    @property
    def kind(self) -> str:
        return f"{_CHINESE[self.type.kind]} {self.type}"

    @property
    def required(self) -> str:
        return "必填（主键） required (key)" if self.is_key else "可空 optional"

    @property
    def format(self) -> str | int:
        return _FORMATS.get(self.type.kind, _AS_TEXT)


def write_template(job: Job, code_tables: Mapping[str, Mapping[str, str]], path: Path) -> int:
    """Writes the workbook; returns how many columns it has. Never over a file that is there."""
    fields = _fields(job, code_tables)
    if path.exists():
        raise ConfigurationError(
            f"{path} exists; nothing was written", remedy="name another file with --output"
        )
    try:
        with xlsxwriter.Workbook(path, {"strings_to_formulas": False}) as book:
            _write(book, job, fields)
    except (XlsxWriterException, OSError) as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error}", remedy="name another file with --output"
        ) from error
    return len(fields)


def _fields(job: Job, code_tables: Mapping[str, Mapping[str, str]]) -> list[_Field]:
    if job.columns is None:
        raise ConfigurationError(
            f"{job.job}: it lists no columns, and a template is made of them",
            remedy="list them under columns, each with its title and type",
        )
    return [
        _Field(
            name,
            column.title or name,
            _type_of(column),
            name in job.key,
            column.rule,
            tuple(code_tables[column.codes]) if column.codes else (),
        )
        for name, column in job.columns.items()
        if column.is_shared
    ]


def _type_of(column: Column) -> Type:
    if column.type:
        return value_type(column.type)
    return _RULES.get(column.rule or "", Type(Kind.TEXT))


def _write(book: Any, job: Job, fields: Sequence[_Field]) -> None:
    name = _FORBIDDEN.sub(" ", job.title or job.job)[:31].strip() or job.job[:31]
    rows = book.add_worksheet(name)
    _write_read_me(book, job, fields)
    lists = _write_codes(book, fields)
    mark = book.add_worksheet(MARK)
    words = {VERSION: VERSION_NOW, "job": job.job, SHEET: name}
    words |= {NAMES_ROW: str(_NAMES + 1), FIRST_ROW: str(_FIRST + 1)}
    for row, pair in enumerate(words.items()):
        for at, word in enumerate(pair):
            mark.write_string(row, at, word)
    mark.very_hidden()
    style = {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#DDEBF7"}
    plain, key = book.add_format(style), book.add_format(style | {"bg_color": "#FCE4D6"})
    for at, field in enumerate(fields):
        rows.write_string(_NAMES, at, field.name)
        rows.write_string(_TITLES, at, field.heading, key if field.is_key else plain)
        rows.write_comment(_TITLES, at, _comment(field), {"x_scale": 2})
        width = max(12, 2 * len(field.title) + 2, len(field.name) + 2)
        rows.set_column(at, at, min(width, 40), book.add_format({"num_format": field.format}))
        check = _validation(field, lists.get(field.name))
        if check is not None:
            rows.data_validation(_FIRST, at, _LAST_ROW, at, check)
    rows.set_row(_NAMES, None, None, {"hidden": True})
    rows.set_row(_TITLES, 32)
    rows.freeze_panes(_FIRST, 0)


def _comment(field: _Field) -> str:
    parts = [f"{field.title} ({field.name})", field.kind, field.required]
    if field.rule:
        parts.append(_RULE_NAMES[field.rule])
    if field.values:
        parts.append("从列表中选择 choose from the list")
    return "\n".join(parts)


def _validation(field: _Field, codes: str | None) -> dict[str, Any] | None:
    """What a spreadsheet can see to at once; the run looks at everything again."""
    check: dict[str, Any] | None = None
    match field.type.kind:
        case _ if codes is not None:
            check = {"validate": "list", "source": codes}
        case Kind.BOOLEAN:
            check = {"validate": "list", "source": ["是", "否"]}
        case Kind.DATE | Kind.TIMESTAMP:
            check = {"validate": "date", "criteria": ">=", "value": date(1900, 3, 1)}
        case Kind.DECIMAL | Kind.FLOAT:
            check = {"validate": "decimal", "criteria": "between", "minimum": -1e15}
            check["maximum"] = 1e15
        case Kind.TEXT if field.type.length:
            check = {"validate": "length", "criteria": "<=", "value": field.type.length}
    if check is None:
        return None
    message = f"{field.kind}; {field.required}"
    return check | {
        "error_title": "不符合要求 Not valid",
        "error_message": message[:255],
        "ignore_blank": True,
    }


def _write_codes(book: Any, fields: Sequence[_Field]) -> dict[str, str]:
    """The values of each list on a hidden sheet; by column, the range that holds them."""
    listed = [field for field in fields if field.values]
    if not listed:
        return {}
    sheet, text = book.add_worksheet(_CODES), book.add_format({"num_format": _AS_TEXT})
    sheet.hide()
    ranges = {}
    for at, field in enumerate(listed):
        for row, value in enumerate(field.values):
            sheet.write_string(row, at, value, text)
        letter = xlsxwriter.utility.xl_col_to_name(at)
        ranges[field.name] = f"='{_CODES}'!${letter}$1:${letter}${len(field.values)}"
    return ranges


def _write_read_me(book: Any, job: Job, fields: Sequence[_Field]) -> None:
    sheet, bold = book.add_worksheet(_READ_ME), book.add_format({"bold": True})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 4, 28, wrapped)
    sheet.write_string(0, 0, job.title or job.job, bold)
    code = job.catalogue.code
    sheet.write_string(1, 0, f"信息资源 resource: {code or '—'}   桥接服务 job: {job.job}")
    for row, rule in enumerate(_NOTES, start=3):
        sheet.merge_range(row, 0, row, 4, f"{row - 2}. {rule}", wrapped)
        sheet.set_row(row, 32)
    top = len(_NOTES) + 4
    heads = ("信息项 Title", "字段 Column", "类型 Type", "要求 Required", "说明 Note")
    for at, head in enumerate(heads):
        sheet.write_string(top, at, head, bold)
    for row, field in enumerate(fields, start=top + 1):
        note = _RULE_NAMES.get(
            field.rule or "", "从列表中选择 from the list" if field.values else ""
        )
        line = (field.title, field.name, field.kind, field.required, note)
        for at, text in enumerate(line):
            sheet.write_string(row, at, text)
