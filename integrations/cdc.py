"""The centre for disease control: investigates, judges contacts, accepts disinfection."""

from integrations.hospital import PARTNER as HOSPITAL
from integrations.partner import REPORT_FIELDS, InboundKind, Partner

PARTNER = Partner(
    id="cdc",
    zh="疾控机构",
    en="Centre for disease control",
    outgoing={
        "msg_initial_report": REPORT_FIELDS,
        "msg_case_report": REPORT_FIELDS,
        "msg_correction": REPORT_FIELDS,
    },
    inbound={
        "msg_external_notice": HOSPITAL.inbound["msg_external_notice"],
        "msg_epi_request": InboundKind("F16#request", ("case_ref", "started_at", "info_source")),
        "msg_epi_result": InboundKind(
            "F16#site",
            ("info_source",),
            ("activity_trail", "investigator", "family", "suspected_source", "finished_at"),
            then="F16#source",
        ),
        "msg_contact_judged": InboundKind("F12#final", ("rows",)),
        "msg_release": InboundKind(
            "F24#issue",
            ("mode", "start_at", "end_at"),
            ("exam_normal", "last_test", "village_report", "hq_consent", "release_order"),
        ),
        "msg_disinfection_accepted": InboundKind(
            "F15#accept",
            ("accept_result", "accepted_by", "accepted_at", "info_source"),
            ("photos",),
            keys=("incident", "instance"),
        ),
    },
)
