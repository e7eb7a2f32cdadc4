"""A part of the audit log as a file: Excel or CSV, with who took it out, when and why in its last row."""

import csv
from collections.abc import Iterator, Sequence
from datetime import datetime
from io import StringIO

from service.application import workbooks
from service.application.audit import AuditFile, AuditFilter
from service.application.queries import cursors
from service.application.queries.audit import AuditEntry, search
from service.application.queries.reader import Reader
from service.application.workbooks import SheetColumn
from service.domain.calendar import SHANGHAI
from service.domain.errors import ValueRefused

MOST = 20_000  # rows of a file; more is asked for in parts
FORMATS = ("xlsx", "csv")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def made(reader: Reader, asked: AuditFilter, purpose: str, format_: str) -> AuditFile:
    """The file. Raises ValueRefused for more rows than a file takes, NotAllowed, NoSuch."""
    rows = [_row(each) for each in _all(reader, asked)]
    titles = [reader.pick(*each) for each in _COLUMNS]
    mark = [
        reader.pick("导出", "taken out"), _time(reader.now), reader.principal.name, "",
        reader.label("export_purpose", purpose),
    ]  # fmt: skip
    if format_ == "csv":
        content = _as_csv([titles, *rows, mark])
    else:
        columns = [SheetColumn(title) for title in titles]
        content = workbooks.write(reader.pick("审计记录", "Audit log"), columns, [*rows, mark])
    return AuditFile(asked, purpose, format_, content, len(rows))


_COLUMNS = (
    ("类型", "kind"), ("时间", "time"), ("账号", "account"), ("角色", "role"), ("内容", "what"), ("事件", "incident"),
    ("记录链", "stream"), ("序号", "number"), ("哈希", "hash"),
)  # fmt: skip


def _all(reader: Reader, asked: AuditFilter) -> Iterator[AuditEntry]:
    cursor, count = "", 0
    while True:
        page = search(reader, asked, cursor=cursor, limit=cursors.MOST)
        count += len(page.entries)
        if count > MOST:
            raise ValueRefused("since", f"超过 {MOST} 条，请缩短时间范围", f"gives more than {MOST} entries")
        yield from page.entries
        cursor = page.next
        if not cursor:
            return


def _row(entry: AuditEntry) -> list[str]:
    return [
        entry.kind_name, _time(entry.at), entry.account_name or entry.account, entry.role_label, entry.summary,
        entry.number, entry.stream, str(entry.seq), entry.hash,
    ]  # fmt: skip


def _as_csv(rows: Sequence[Sequence[str]]) -> bytes:
    """With a byte order mark, so that Excel reads the Chinese; no text is taken for a formula."""
    text = StringIO()
    csv.writer(text).writerows([f"'{each}" if each.startswith(_FORMULA) else each for each in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _time(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
