"""`python -m loadtest.report`."""

import sys

from loadtest.report.cli import main

sys.exit(main())
