"""Where data, models and reports live."""
