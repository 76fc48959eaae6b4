"""How a test of ``mlops emulator`` signs in to the server that was started."""

import contextlib
import tomllib


@contextlib.contextmanager
def connected(shop, **more):
    """Yield a cursor of a connection as the project's connections.toml describes it."""
    import snowflake.connector

    file = shop.root / ".mlops" / "connections.toml"
    entry = tomllib.loads(file.read_text(encoding="utf-8"))["emulator"]
    options = {**entry, "network_timeout": 30, "login_timeout": 20, **more}
    with snowflake.connector.connect(**options) as connection:
        yield connection.cursor()
