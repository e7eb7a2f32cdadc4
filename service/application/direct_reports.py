"""How many persons the direct reports of an incident have named so far."""

from collections.abc import Mapping
from typing import Any

from service.application.fact_rows import FactRows
from service.persistence.pending import Row

SUPPLEMENT, WITHDRAWN = "人数增加", "误报撤销"  # correction_reason of a supplement, and of a withdrawal


def direct_count(rows: FactRows) -> int | None:
    """Person count stated in the last direct report or its supplement that was sent."""
    sent = [report for report in rows.sent_reports if report["kind"] in {"direct", "correction"}]
    counts = [_stated_count(rows, report) for report in sent]
    known = [count for count in counts if count is not None]
    return known[-1] if known and any(report["kind"] == "direct" for report in sent) else None


def _stated_count(rows: FactRows, report: Row) -> int | None:
    record = next((each for each in rows.records if each["id"] == report["record_id"]), None)
    if record is None:
        return None
    values = rows.answers(record)["values"]
    if report["kind"] == "correction" and not _restates_direct(rows, report, values):
        return None
    count = values.get("suspected_count") or values.get("person_count")
    return int(count) if count is not None else None


def _restates_direct(rows: FactRows, correction: Row, values: Mapping[str, Any]) -> bool:
    """A supplement, or the withdrawal of persons who were reported directly: its number is the known one."""
    direct = {report["id"] for report in rows.sent_reports if report["kind"] == "direct"}
    reason = values.get("correction_reason")
    return reason == SUPPLEMENT or (reason == WITHDRAWN and bool(direct & set(correction["corrects"])))
