"""Copies the browser assets from node_modules to service/web/static/vendor, the version in each name.

Writes `manifest.json` there: logical name -> file, relative to the folder. Pages ask for the logical
name, so a new version reaches every browser without a stale cache. Standard library only: it runs
before anything is installed.
"""

import json
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "service" / "web" / "static" / "vendor"

FILES = {
    "htmx.js": ("htmx.org", "dist/htmx.min.js"),
    "htmx-sse.js": ("htmx.org", "dist/ext/hx-sse.min.js"),
    "bpmn-viewer.js": ("bpmn-js", "dist/bpmn-navigated-viewer.production.min.js"),
    "diagram.css": ("bpmn-js", "dist/assets/diagram-js.css"),
    "bpmn.css": ("bpmn-js", "dist/assets/bpmn-js.css"),
}
# The style sheet finds the font by `../font/`, so the folder shape is kept.
FONT = ("bpmn-font.css", "bpmn-js", "dist/assets/bpmn-font", ("css/bpmn.css", "font/bpmn.woff2", "font/bpmn.woff"))


def version_of(package: str) -> str:
    """Version of an installed package."""
    return str(json.loads((ROOT / "node_modules" / package / "package.json").read_text("utf-8"))["version"])


def versioned(logical: str, version: str) -> str:
    """`htmx.js`, 4.0.1 -> `htmx-4.0.1.js`."""
    name = Path(logical)
    return f"{name.stem}-{version}{name.suffix}"


def copy_files(target: Path) -> dict[str, str]:
    """Copies the single files; returns logical name -> file."""
    manifest = {}
    for logical, (package, source) in FILES.items():
        manifest[logical] = versioned(logical, version_of(package))
        shutil.copyfile(ROOT / "node_modules" / package / source, target / manifest[logical])
    return manifest


def copy_font(target: Path) -> dict[str, str]:
    """Copies the symbol font of bpmn-js and its style sheet."""
    logical, package, source, members = FONT
    folder = f"bpmn-font-{version_of(package)}"
    for member in members:
        (target / folder / member).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "node_modules" / package / source / member, target / folder / member)
    return {logical: f"{folder}/{members[0]}"}


def main() -> int:
    """Replaces the vendor folder; the manifest comes last, so its presence means complete."""
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    manifest = copy_files(TARGET) | copy_font(TARGET)
    (TARGET / "manifest.json").write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", "utf-8")
    print(f"  {len(manifest)} browser assets")
    return 0


if __name__ == "__main__":
    sys.exit(main())
