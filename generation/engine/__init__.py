"""The engine: the only place that imports torch and diffusers. Dataclasses in, PIL images out.

It knows no Django and no database. Importing this package, `types` or `exceptions` is light; torch comes
with `generation.engine.engine`, which only a process that draws imports.
"""

from __future__ import annotations

import logging
import os

# huggingface_hub, diffusers and transformers read these when they are first imported, which is after this.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
# Its threads and those of the process that starts a worker do not go together, and one prompt needs none.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Optional packages say at every start what they lack on this machine, before anybody could ask them to be quiet.
for name in ("torchao", "torch.utils._pytree"):
    logging.getLogger(name).setLevel(logging.ERROR)
