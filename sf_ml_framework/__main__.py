"""``python -m sf_ml_framework``: the mlops command without an installed script."""

import sys

from sf_ml_framework.cli.app import main

if __name__ == "__main__":
    sys.exit(main(program="python -m sf_ml_framework"))
