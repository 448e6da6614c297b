"""Static files: every file gets its content's hash in its name, so that browsers may keep it for ever."""

from __future__ import annotations

from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):
    """Hashed names also inside `import … from './module.js'`, so that a new release never meets an old module.

    Django can do this for all scripts at once, but then trips over an `import` in a comment of somebody else's
    script; so only our own folder is read.
    """

    patterns = (
        *HashedFilesMixin.patterns,
        ("js/*.js", HashedFilesMixin._js_module_import_aggregation_patterns[1]),  # type: ignore[attr-defined]
    )
