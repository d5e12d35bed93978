"""Options: variables go over what the host passes, and one that does not fit is named."""

from __future__ import annotations

import pytest

from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.options import DatabaseOptions, Options, load_options


def test_a_variable_overrides_what_the_host_passed_and_leaves_the_rest():
    given = Options(database=DatabaseOptions(url="postgresql://host/store", pool_size=3), currency="INR")
    options = load_options(given, {"ADPLANNING_DATABASE_POOL_SIZE": "9", "ADPLANNING_WORK_MODE": "external"})
    assert options.database == DatabaseOptions(url="postgresql://host/store", pool_size=9)
    assert options.work.mode == "external"
    assert options.currency == "INR"


def test_a_list_is_written_with_commas():
    assert load_options(None, {"ADPLANNING_DISABLED_DOMAINS": "insights, attribution"}).disabled_domains == (
        "insights",
        "attribution",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("ADPLANNING_DATABASE_POOL_SIZE", "many"), ("ADPLANNING_WORK_MODE", "sometimes"), ("ADPLANNING_DEMO", "perhaps")],
)
def test_a_value_that_does_not_fit_is_named(name, value):
    with pytest.raises(ConfigurationError, match=name):
        load_options(None, {name: value})
