"""How the pages are served: at any mount path, under a policy with a nonce of its own, from one build."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from adplanning_plugin.admin.pages import MISSING, page_routes
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.options import DatabaseOptions, Options, PageOptions, PathOptions
from adplanning_plugin.plugin import AdPlanning

SECRET = "x" * 32
NOWHERE = DatabaseOptions(url="postgresql://nobody@127.0.0.1:1/none")
"""The shell asks no database."""
DOCUMENT = (
    '<!doctype html><html><head><title>x</title><script type="module" src="./assets/a.js"></script></head></html>'
)


def runtime(**options: object) -> Runtime:
    given = Options(secret=SECRET, demo=True, currency="INR", database=NOWHERE, **options)  # type: ignore[arg-type]
    return AdPlanning(given).runtime


@pytest.fixture
def build(tmp_path: Path) -> Path:
    for folder in ("assets", "widgets"):
        (tmp_path / folder).mkdir()
    (tmp_path / "index.html").write_text(DOCUMENT)
    (tmp_path / "assets" / "a.js").write_text("export const a = 1\n" * 200)
    (tmp_path / "widgets" / "adplanning.js").write_text("export {}")
    (tmp_path / "secret.txt").write_text("not for everybody")
    return tmp_path


def client(build: Path, root_path: str = "", **options: object) -> TestClient[Litestar]:
    return TestClient(Litestar([*page_routes(runtime(**options), build)]), root_path=root_path)


def test_every_address_below_the_mount_is_the_same_document_with_its_base(build: Path) -> None:
    with client(build, paths=PathOptions(app="/marketing/ads/", admin="/api/ads")) as web:
        for path in ("/marketing/ads", "/marketing/ads/", "/marketing/ads/goals/goal_1"):
            answer = web.get(path)
            assert answer.status_code == 200
            assert '<base href="/marketing/ads/">' in answer.text
            assert '<meta name="adplanning-api" content="/api/ads">' in answer.text


def test_a_root_path_stands_before_every_address(build: Path) -> None:
    pages = PageOptions(login_url="/login", home_url="https://store.example/admin")
    with client(build, "/shop", pages=pages) as web:
        text = web.get("/app/ad-planning").text
    assert '<base href="/shop/app/ad-planning/">' in text
    assert '<meta name="adplanning-api" content="/shop/admin/ad-planning">' in text
    assert '<meta name="adplanning-login" content="/shop/login">' in text
    assert '<meta name="adplanning-home" content="https://store.example/admin">' in text


def test_each_response_has_a_nonce_of_its_own_and_every_script_carries_it(build: Path) -> None:
    with client(build, pages=PageOptions(host_script="/static/token.js")) as web:
        answers = [web.get("/app/ad-planning") for _ in range(2)]
    nonces = [re.findall(r"'nonce-([^']+)'", answer.headers["content-security-policy"])[0] for answer in answers]
    assert nonces[0] != nonces[1]
    for answer, nonce in zip(answers, nonces, strict=True):
        assert answer.headers["cache-control"] == "no-store"
        assert "unsafe" not in answer.headers["content-security-policy"]
        scripts = re.findall(r"<script[^>]*>", answer.text)
        assert len(scripts) == 2
        assert all(f'nonce="{nonce}"' in script for script in scripts)


def test_frames_are_the_hosts_own_unless_it_says_otherwise(build: Path) -> None:
    with client(build) as web:
        assert "frame-ancestors 'self'" in web.get("/app/ad-planning").headers["content-security-policy"]
    with client(build, pages=PageOptions(frame_ancestors=("https://admin.example",))) as web:
        policy = web.get("/app/ad-planning").headers["content-security-policy"]
    assert "frame-ancestors https://admin.example;" in f"{policy};"


def test_what_is_named_by_its_content_is_kept_for_a_year_and_compressed(build: Path) -> None:
    with client(build) as web:
        packed = web.get("/app/ad-planning/assets/a.js", headers={"accept-encoding": "gzip"})
        plain = web.get("/app/ad-planning/assets/a.js", headers={"accept-encoding": "identity"})
        widget = web.get("/app/ad-planning/widgets/adplanning.js")
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert "immutable" in packed.headers["cache-control"]
    assert packed.headers["content-type"].startswith("text/javascript")
    assert widget.headers["cache-control"] == "public, max-age=300"


@pytest.mark.parametrize("name", ["..%2Fsecret.txt", "%2e%2e/secret.txt", "..%5Csecret.txt", "none.js", "."])
def test_only_files_of_the_build_are_served(build: Path, name: str) -> None:
    with client(build) as web:
        answer = web.get(f"/app/ad-planning/assets/{name}")
    assert "not for everybody" not in answer.text


def test_without_a_build_the_address_says_how_to_make_one(tmp_path: Path) -> None:
    with client(tmp_path) as web:
        answer = web.get("/app/ad-planning/goals")
    assert (answer.status_code, answer.text) == (503, MISSING)
    assert "python hatch_build.py" in answer.text


def test_a_pages_code_is_announced_with_its_document_under_the_nonce(build: Path) -> None:
    listing = {
        "/": ["assets/home.js"],
        "/goals/$id": ["assets/goal.js", "assets/form.js"],
        "/goals/new": ["assets/n.js"],
    }
    (build / "pages.json").write_text(json.dumps(listing))
    (build / "index.html").write_text(
        DOCUMENT.replace("</head>", '<link rel="modulepreload" crossorigin href="./assets/react.js"></head>')
    )
    announced = re.compile(r'<link rel="modulepreload" nonce="([^"]+)" crossorigin href="\./assets/([^"]+)">')
    with client(build) as web:
        for path, files in (
            ("", ["home.js"]),
            ("/goals/goal_1", ["goal.js", "form.js"]),
            ("/goals/new", ["n.js"]),
            ("/nowhere", []),
        ):
            text = web.get(f"/app/ad-planning{path}").text
            found = announced.findall(text)
            assert [name for _, name in found] == ["react.js", *files], path
            assert text.count("modulepreload") == len(found)
            assert {nonce for nonce, _ in found} == set(re.findall(r'<script nonce="([^"]+)"', text))
