"""Small line icons of task and event kinds, drawn around the origin in a box of about 16 pixels."""

from collections.abc import Mapping

TASK_ICONS: Mapping[str, str] = {
    "userTask": "M0-6a3 3 0 1 1 0 6a3 3 0 1 1 0-6zM-6 7c0-5 3-6.500 6-6.500s6 1.500 6 6.500z",
    "manualTask": "M-6 1l5-5h5l-2 2h5M-6 1v6h9l4-2M0 1h7M0 4h6",
    "serviceTask": "M0-3a3 3 0 1 1 0 6a3 3 0 1 1 0-6zM0-7v3M0 4v3M-7 0h3M4 0h3M-5-5l2 2M3 3l2 2M-5 5l2-2M3-3l2-2",
    "receiveTask": "M-7-5h14v10h-14zM-7-5l7 6 7-6",
    "businessRuleTask": "M-7-5h14v10h-14zM-7-1.500h14M-7 1.800h14M-2.500-1.500v6.500",
    "scriptTask": "M-3-7h8c-3 3-3 4 0 7s3 4 0 7h-8c3-3 3-4 0-7s-3-4 0-7zM-2-3h4M0 0h4M-1 3h4",
}
SEND_ICON = ("M-7-5h14v10h-14z", "M-7-5l7 6 7-6")

EVENT_ICONS: Mapping[str, str] = {
    "message": "M-8-5.500h16v11h-16zM-8-5.500l8 6.500 8-6.500",
    "timer": "M0-9a9 9 0 1 1 0 18a9 9 0 1 1 0-18zM0-5.500v5.500l4 2.500",
    "conditional": "M-6-8h12v16h-12zM-3.500-4.500h7M-3.500-1.500h7M-3.500 1.500h7M-3.500 4.500h7",
    "signal": "M0-8l8 13h-16z",
    "error": "M-8 8l4-14 7 9 5-11-4 14-7-9z",
    "escalation": "M0-9l6 16-6-6-6 6z",
    "link": "M-8-3h8v-4l8 7-8 7v-4h-8z",
    "terminate": "M0-9a9 9 0 1 1 0 18a9 9 0 1 1 0-18z",
}

GATEWAY_ICONS: Mapping[str, str] = {
    "exclusiveGateway": "M-7-7l14 14M7-7l-14 14",
    "parallelGateway": "M0-10v20M-10 0h20",
    "inclusiveGateway": "M0-10a10 10 0 1 1 0 20a10 10 0 1 1 0-20z",
    "eventBasedGateway": (
        "M0-11.500a11.500 11.500 0 1 1 0 23a11.500 11.500 0 1 1 0-23zM0-6l5.700 4.100-2.200 6.700h-7l-2.200-6.700z"
    ),
    "complexGateway": "M0-10v20M-10 0h20M-7-7l14 14M7-7l-14 14",
}
"""Filled in a throwing event, lines in a catching one."""

PLUS_MARK = "M-6-6h12v12h-12zM0-3.500v7M-3.500 0h7"
MANY_MARK = "M-4-6v12M0-6v12M4-6v12"
TICK = "M-5 0l4 4 6-7"
