"""`python -m loadtest.capacity`."""

import sys

from loadtest.capacity.cli import main

sys.exit(main())
