"""Where commands print: results on the terminal, trouble beside them."""

import sys

from rich.console import Console

# A log has no width of its own; a terminal keeps its own.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
trouble = Console(stderr=True, highlight=False)
