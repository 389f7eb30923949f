"""`python -m deepnrc`, the same as the command `deepnrc`."""

import sys

from deepnrc.commands import main

if __name__ == "__main__":
    sys.exit(main())
