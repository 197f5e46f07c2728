"""`python -m loadtest.preflight`."""

import sys

from loadtest.preflight.cli import main

sys.exit(main())
