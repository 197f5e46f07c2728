"""`python -m chat` is `chat`."""

import sys

from chat.cli import main

if __name__ == "__main__":
    sys.exit(main())
