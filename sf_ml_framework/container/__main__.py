"""``python -m sf_ml_framework.container``."""

from sf_ml_framework.container import main

if __name__ == "__main__":
    raise SystemExit(main())
