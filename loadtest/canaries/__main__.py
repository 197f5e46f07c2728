"""`python -m loadtest.canaries`: the coordinator starts it and speaks to it over its pipes."""

import sys

from loadtest.canaries.process import main

sys.exit(main())
