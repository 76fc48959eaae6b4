"""A folder on this machine as the place of data, models and reports."""
