"""The school district's office: receives first, progress and closing reports, orders a merger."""

from integrations.bureau import MERGE
from integrations.partner import ADJUSTMENT_FIELDS, REPORT_FIELDS, Partner

PARTNER = Partner(
    id="district_office",
    zh="学区办公室",
    en="School district office",
    outgoing={
        "msg_initial_report": REPORT_FIELDS,
        "msg_written_report": REPORT_FIELDS,
        "msg_progress_report": REPORT_FIELDS,
        "msg_closing_report": REPORT_FIELDS,
        "msg_correction": REPORT_FIELDS,
        "msg_suspension_notice": ADJUSTMENT_FIELDS,
        "msg_resume_notice": ADJUSTMENT_FIELDS,
        "msg_contact_lost_report": frozenset({"organisation", "number", "code", "kind"}),
    },
    inbound={"msg_merge_order": MERGE},
)
