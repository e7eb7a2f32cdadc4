"""The education bureau's command centre: receives reports, gives orders and consent."""

from integrations.partner import REPORT_FIELDS, InboundKind, Partner

MERGE = InboundKind(
    "F00#cancel",
    ("cancel_kind", "cancel_scope", "reason"),
    ("cancel_persons", "merge_into", "attachment"),
    keys=("incident",),
)

PARTNER = Partner(
    id="edu_bureau",
    zh="教体局疫情防控指挥中心",
    en="Education bureau command centre",
    outgoing={
        "msg_initial_report": REPORT_FIELDS,
        "msg_case_report": REPORT_FIELDS,
        "msg_written_report": REPORT_FIELDS,
        "msg_direct_report": REPORT_FIELDS,
        "msg_progress_report": REPORT_FIELDS,
        "msg_closing_report": REPORT_FIELDS,
        "msg_correction": REPORT_FIELDS,
    },
    inbound={
        "msg_superior_order": InboundKind(
            "F18#order",
            ("order_source", "adjust", "scope", "start_at", "info_source"),
            ("planned_end", "order_kind"),
            keys=("incident",),
        ),
        "msg_merge_order": MERGE,
        "msg_superior_consent": InboundKind(
            "F38#consent", ("consent_result", "info_source"), ("superior_consent",), keys=("incident",)
        ),
        "msg_rumour_alert": InboundKind(
            "F36#found", ("found_at", "channel", "summary", "info_source"), ("hot_level",), keys=("incident",)
        ),
    },
)
