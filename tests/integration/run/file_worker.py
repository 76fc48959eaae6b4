"""A worker on a FilePlace: ``python file_worker.py ROOT --fd N``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from sf_ml_framework.run.worker import serve
from tests.integration.run.file_place import FilePlace

if __name__ == "__main__":
    root = Path(sys.argv[1])
    sys.path.insert(0, str(root))
    raise SystemExit(serve(int(sys.argv[3]), lambda: FilePlace(root), root))
