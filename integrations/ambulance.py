"""The ambulance centre 120: called out, reports its arrival and its re-check."""

from integrations.partner import InboundKind, Partner

PARTNER = Partner(
    id="ambulance_120",
    zh="120救护中心",
    en="Ambulance centre 120",
    outgoing={
        "msg_call_120": frozenset({"place", "person_count", "temperature", "symptoms", "severity", "incident_number"}),
    },
    inbound={
        "msg_120_arrived": InboundKind("F03#arrival", ("arrive_120_at", "info_source"), ("vehicle_no",)),
        "msg_recheck_result": InboundKind(
            "F03#recheck",
            ("axillary_temp", "thermometer", "cough", "diarrhoea", "epi_history", "determined_by", "info_source"),
            ("other_symptom", "room_no", "scribe"),
            choices={"determined_by": frozenset({"start_plan", "as_suspected", "low"})},
        ),
        "msg_hospital_advice": InboundKind(
            "F03#advice",
            ("advice", "advice_at", "info_source"),
            ("scribe",),
            choices={"advice": frozenset({"observe", "return"})},
        ),
    },
)
