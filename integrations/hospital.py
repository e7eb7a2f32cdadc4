"""The designated hospital: told of a transfer, signs for it, sends diagnosis and changes."""

from integrations.partner import InboundKind, Partner

RESULTS = frozenset({"excluded", "suspected", "confirmed", "asymptomatic", "pending"})

PARTNER = Partner(
    id="designated_hospital",
    zh="定点医院",
    en="Designated hospital",
    outgoing={
        "msg_notify_hospital": frozenset(
            {"person_code", "symptoms", "temperature", "axillary_temp", "epi_history", "severity", "eta", "place"}
        ),
    },
    inbound={
        "msg_handover_received": InboundKind(
            "F05#arrive",
            ("arrive_at", "receive_outcome", "info_source"),
            ("received_by", "destination"),
            choices={"receive_outcome": frozenset({"接收", "满床"})},
        ),
        "msg_diagnosis": InboundKind(
            "F06#result",
            ("result", "result_at", "hospital", "info_source"),
            ("certificate", "severity", "treatment", "symptom_end_at", "symptom_kind"),
            choices={"result": RESULTS},
        ),
        "msg_patient_update": InboundKind(
            "F06#update",
            ("change", "changed_at", "info_source"),
            ("severity", "treatment", "hospital"),
            choices={"change": frozenset({"稳定", "好转", "加重", "出院", "死亡"})},
        ),
        "msg_external_notice": InboundKind(
            "F01#external",
            ("person", "found_at", "known_result", "in_school", "info_source", "symptoms"),
            ("place", "temperature", "onset_at", "epi_history", "epi_text", "result_at"),
            keys=("incident",),
        ),
    },
)
