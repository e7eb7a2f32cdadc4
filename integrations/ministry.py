"""The Ministry's epidemic office: a school may report a cluster to it at the same time as to the bureau."""

from integrations.partner import REPORT_FIELDS, Partner

PARTNER = Partner(
    id="moe_office",
    zh="教育部应对疫情办公室",
    en="Ministry of Education epidemic office",
    outgoing={"msg_direct_report": REPORT_FIELDS, "msg_correction": REPORT_FIELDS},
    inbound={},
)
