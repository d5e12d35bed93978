"""What a store writes to install the plugin stays small: the example's hooks and its call, beside options and links."""

from pathlib import Path

import host_example
from adplanning_plugin import Options
from host_example.options import options_of
from host_example.settings import StoreSettings

LINES = 30


def test_the_example_store_installs_the_plugin_in_fewer_than_thirty_lines() -> None:
    source = Path(host_example.__file__).with_name("plugin_setup.py").read_text(encoding="utf-8")
    written = [
        line for line in source.splitlines() if line.strip() and not line.startswith(("import ", "from ", '"""'))
    ]
    assert 0 < len(written) < LINES


def test_its_options_are_those_of_its_settings() -> None:
    settings = StoreSettings(database_url="postgresql://a@b/c", secret="s" * 32, payment_url="http://localhost:1")
    found = options_of(settings)
    assert isinstance(found, Options)
    assert (found.database.url, found.secret, found.sessions) == ("postgresql://a@b/c", "s" * 32, "host")
