"""The manifest: pages in their groups for whoever may open them, pages of other plugins, and what stops the start."""

from typing import Any

import pytest

from adplanning_plugin.admin.manifest import frame_sources, pages
from adplanning_plugin.hookspecs import AdminPage, hookimpl
from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.kernel.runtime import MANAGE, Runtime
from tests.kernel_http.conftest import Store, make_app, make_runtime, serving
from tests.kernel_http.test_problems import ADMIN

MANIFEST = f"{ADMIN}/ui/manifest"


class Stranger:
    """A plugin that knows nothing of the built-in pages."""

    def __init__(self, *registered: AdminPage) -> None:
        self.registered = registered

    @hookimpl
    def register_admin_pages(self) -> Any:
        return self.registered


async def manifest(runtime: Runtime, *registered: AdminPage, actor: str = "admin") -> dict[str, Any]:
    other = make_runtime(runtime.options, Store(), Stranger(*registered))
    try:
        async with serving(make_app(other)) as client:
            answer = await client.get(MANIFEST, headers={"x-actor": actor})
            assert answer.status_code == 200, answer.text
            return answer.json()
    finally:
        await other.database.close()


async def test_a_plugin_adds_a_page_of_its_own_by_module_or_frame(runtime: Runtime) -> None:
    found = await manifest(
        runtime,
        AdminPage(key="paint", title="Paint", path="/paint", module="/paint/page.js", group="Colours", icon="brush"),
        AdminPage(key="charts", title="Charts", path="/charts", frame="https://charts.example/board", group="overview"),
    )
    assert [page["key"] for page in found["pages"]] == ["charts", "paint", "operations", "links", "keys", "settings"]
    paint = next(page for page in found["pages"] if page["key"] == "paint")
    assert (paint["path"], paint["module"], paint["frame"], paint["icon"]) == ("/paint", "/paint/page.js", "", "brush")
    assert found["groups"][:2] == [
        {"key": "overview", "title": "Overview", "pages": ["charts"]},
        {"key": "Colours", "title": "Colours", "pages": ["paint"]},
    ]
    assert [group["key"] for group in found["groups"]][-1] == "setup"


async def test_what_the_actor_may_not_open_is_left_out_with_its_group(runtime: Runtime) -> None:
    given = (
        AdminPage(key="paint", title="Paint", path="/paint", scope=MANAGE, group="Colours"),
        AdminPage(key="badge", title="Badge", kind="widget", element="x-badge", place="order"),
        AdminPage(key="secret", title="Secret", kind="widget", element="x-secret", place="order", scope=MANAGE),
    )
    everything = await manifest(runtime, *given)
    assert "Colours" in {group["key"] for group in everything["groups"]}
    assert [widget["key"] for widget in everything["widgets"]] == ["badge", "secret"]
    reader = await manifest(runtime, *given, actor="reader")
    assert {page["key"] for page in reader["pages"]} == {"links", "keys", "settings"}
    assert [group["key"] for group in reader["groups"]] == ["setup"]
    assert [widget["key"] for widget in reader["widgets"]] == ["badge"]
    assert reader["scopes"] == ["adplanning:read"]


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        (AdminPage(key="x", title="X", path="x"), "path must start with /"),
        (AdminPage(key="x", title="X", path="/x", kind="panel"), "kind must be page or widget"),
        (AdminPage(key="x", title="X", path="/x", scope="admin"), "scope must be one of"),
        (AdminPage(key="x", title="X", path="/x", module="/a.js", frame="/b"), "give one"),
        (AdminPage(key="x", title="X", path="/x", module="https://elsewhere.example/a.js"), "the app's own origin"),
        (AdminPage(key="x", title="X", path="/x", module="//elsewhere.example/a.js"), "the app's own origin"),
        (AdminPage(key="x", title="X", path="/x", frame="http://elsewhere.example"), "an https address"),
        (AdminPage(key="x", title="X", path="/x", frame="javascript:alert(1)"), "an https address"),
        (AdminPage(key="x", title="X", kind="widget", element="badge", place="order"), "a name with a hyphen"),
        (AdminPage(key="x", title="X", kind="widget", element="x-badge", place="cart"), "place, one of order"),
    ],
)
async def test_a_page_that_cannot_be_opened_stops_the_start_and_names_its_owner(
    runtime: Runtime, page: AdminPage, sentence: str
) -> None:
    other = make_runtime(runtime.options, Store())
    other.hooks.register(Stranger(page), name="stranger")
    with pytest.raises(ConfigurationError, match=r"Admin page 'x' of stranger: .*") as refused:
        other.hooks.hook.on_startup(runtime=other)
    assert sentence in str(refused.value)
    await other.database.close()


async def test_two_pages_of_one_key_name_both_owners(runtime: Runtime) -> None:
    other = make_runtime(runtime.options, Store())
    other.hooks.register(Stranger(AdminPage(key="settings", title="Mine", path="/mine")), name="stranger")
    with pytest.raises(ConfigurationError, match="'settings' is registered by .* and by "):
        pages(other)
    await other.database.close()


def test_foreign_frames_are_what_a_content_policy_has_to_name() -> None:
    found = frame_sources(
        [
            AdminPage(key="a", title="A", path="/a", frame="https://charts.example/board?x=1"),
            AdminPage(key="b", title="B", path="/b", frame="https://charts.example/other"),
            AdminPage(key="c", title="C", path="/c", frame="/own/page"),
            AdminPage(key="d", title="D", path="/d"),
        ]
    )
    assert found == ["https://charts.example"]
