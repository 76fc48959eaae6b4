"""An account of Snowflake as the place of data, models and reports."""
