"""Compiles the translations; with `--check`, says instead whether the committed ones are complete and up to date.

Run as `python -m tests.translations`. Needs Babel only, so it works where gettext's own tools are missing.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE = Path(__file__).resolve().parent.parent / "locale"


def compiled(catalog: Catalog) -> bytes:
    target = io.BytesIO()
    write_mo(target, catalog)
    return target.getvalue()


def faults(source: Path, catalog: Catalog) -> list[str]:
    """What keeps this catalogue from being used as it is, one line each."""
    found = []
    for message in catalog:
        if not message.id:
            continue
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        if message.fuzzy or not all(strings):
            found.append(f"{source}:{message.lineno}: not translated: {message.id!r}")
        found += [f"{source}:{message.lineno}: {error}" for error in message.check(catalog)]
    target = source.with_suffix(".mo")
    if not target.exists() or target.read_bytes() != compiled(catalog):
        found.append(f"{target}: older than {source.name}; run `make messages`")
    return found


def main() -> None:
    sources = sorted(LOCALE.glob("*/LC_MESSAGES/*.po"))
    found = []
    for source in sources:
        with source.open("rb") as file:
            catalog = read_po(file, locale=source.parent.parent.name)
        if "--check" in sys.argv:
            found += faults(source.relative_to(LOCALE.parent), catalog)
        else:
            source.with_suffix(".mo").write_bytes(compiled(catalog))
    if found:
        sys.exit("\n".join(found))
    sys.stdout.write(f"{len(sources)} translations {'are up to date' if '--check' in sys.argv else 'compiled'}.\n")


if __name__ == "__main__":
    main()
