#!/usr/bin/env python
"""Django's command-line entry point."""

from __future__ import annotations

import os
import sys

from django.core.exceptions import ImproperlyConfigured


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zimageweb.settings")
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # Settings name the variable that is wrong and what it should be: a traceback would only bury the sentence.
        sys.exit(f"{sys.argv[0]}: {error}")


if __name__ == "__main__":
    main()
