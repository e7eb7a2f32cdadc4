"""Style sheets and scripts: ours as one versioned file each, third-party ones by the manifest."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

STATIC = Path(__file__).parent / "static"
# The order counts: later files refine earlier ones.
STYLES = (
    "tokens", "base", "shell", "card", "inbox", "form", "incident", "board", "pages", "library", "grid", "duty",
    "drill", "review", "responsive", "print",
)  # fmt: skip
SCRIPTS = ("clock", "drill", "forms", "live", "undo", "alarm")
MANIFEST = STATIC / "vendor" / "manifest.json"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A file made of several; its name changes with its content."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Assets:
    """Where pages find what they load. `vendor` maps a logical name to the file with its version."""

    bundles: dict[str, Bundle]
    vendor: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, document_style: Path, static: Path = STATIC) -> "Assets":
        """Read everything once; the style of official documents belongs to their definitions."""
        bundles = {
            "app.css": _bundle("app", "css", [static / "css" / f"{name}.css" for name in STYLES]),
            "app.js": _bundle("app", "js", [static / "js" / f"{name}.js" for name in SCRIPTS]),
            "document.css": _bundle("document", "css", [document_style]),
            "board.js": _bundle("board", "js", [static / "js" / "board.js"]),
            "icons.svg": _bundle("icons", "svg", [static / "icons.svg"]),
            "icon.svg": _bundle("icon", "svg", [static / "icon.svg"]),
        }
        manifest = static / "vendor" / "manifest.json"
        vendor = json.loads(manifest.read_text("utf-8")) if manifest.exists() else {}
        return cls(bundles, vendor)

    def url(self, logical: str) -> str:
        """The address of a file by its logical name, "" where the set-up has not fetched it."""
        if logical in self.bundles:
            return f"/static/{self.bundles[logical].name}"
        file = self.vendor.get(logical)
        return f"/static/vendor/{file}" if file else ""

    def bundle(self, name: str) -> Bundle | None:
        """A bundle by the name in its address."""
        return next((bundle for bundle in self.bundles.values() if bundle.name == name), None)


def _bundle(stem: str, suffix: str, files: list[Path]) -> Bundle:
    content = b"\n".join(path.read_bytes() for path in files)
    digest = hashlib.sha256(content).hexdigest()[:12]
    media = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}[suffix]
    return Bundle(f"{stem}-{digest}.{suffix}", f"{media}; charset=utf-8", content)
