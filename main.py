"""The door of this project: ``python main.py …`` is the command ``mlops …``, from any folder."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
# In a plain clone nothing is installed; and src must be this project's, wherever one stands.
sys.path.insert(0, str(ROOT))

from sf_ml_framework.cli.app import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(program="python main.py", start=ROOT))
