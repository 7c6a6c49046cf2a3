"""`python -m azul_tui` is `azul-tui`."""

from __future__ import annotations

import sys

from azul_tui.cli import main

if __name__ == "__main__":
    sys.exit(main())
