"""What a browser says of itself, in a few words by which its owner tells his devices apart."""

# The first that is found counts: browsers name those they want to be taken for as well.
_PROGRAMS = (
    ("wxwork", "企业微信"), ("micromessenger", "微信"), ("dingtalk", "钉钉"), ("edg", "Edge"), ("firefox", "Firefox"),
    ("chrome", "Chrome"), ("safari", "Safari"), ("python", "Python"), ("curl", "curl"),
)  # fmt: skip
_SYSTEMS = (
    ("iphone", "iPhone"), ("ipad", "iPad"), ("harmony", "HarmonyOS"), ("android", "Android"), ("windows", "Windows"),
    ("mac os", "macOS"), ("linux", "Linux"),
)  # fmt: skip


def device_of(user_agent: str) -> str:
    """`Chrome · Windows`; "" for what is not known. The text itself is not kept."""
    said = user_agent.lower()
    found = (next((label for part, label in known if part in said), "") for known in (_PROGRAMS, _SYSTEMS))
    return " · ".join(filter(None, found))
