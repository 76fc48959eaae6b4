"""The framework's tables, made as a deployment makes them, for tests of one room."""

from sf_ml_framework.identifiers import quoted
from sf_ml_framework.plan.tables import framework_tables


def make_tables(account, database, schema="ML"):
    """Create the framework's tables in a schema that stands."""
    for table in framework_tables(f"{database}.{schema}"):
        columns = ", ".join(
            f"{quoted(column.name)} {column.type}{' NOT NULL' if column.required else ''}"
            for column in table.columns
        )
        account.execute(f"create table {table.name} ({columns})")
