"""Every page and state of the interface: its name, whose it is, and how it comes about.

The screenshots and the tests of the pages go through this one table. Nothing is faked in the page: the worker is
stopped, the quota used up, the network gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.browser.stage import Scene, Stage

Act = Callable[[Page, Stage], None]
_DISCONNECTED = ("ERR_INTERNET_DISCONNECTED", "WebSocket")


@dataclass(frozen=True)
class State:
    """A page of `path`, which may name the population's facts, after `act`; there once `shows` is visible."""

    name: str
    who: str  # one of population.PEOPLE, "admin", or "" for a stranger
    path: str
    shows: str
    act: Act | None = None
    scene: Scene = Scene.READY
    console_ok: tuple[str, ...] = ()  # errors that belong to the state
    is_translated: bool = False  # in Chinese as well: photographed, and on a phone in the dark tested
    is_in_forced_colours: bool = False  # photographed in those as well
    is_rare: bool = False  # left to the screenshots: other tests go there, or to a page of the same parts


def _submit(selector: str, **fields: str) -> Act:
    def act(page: Page, stage: Stage) -> None:
        for name, value in fields.items():
            page.locator(f"[name={name}]").fill(value)
        page.locator(selector).click()

    return act


def _click(*selectors: str) -> Act:
    def act(page: Page, stage: Stage) -> None:
        for selector in selectors:
            page.locator(selector).first.click()

    return act


def _open_sheet(page: Page) -> None:
    """On a phone the settings are behind a chip."""
    if page.locator("[data-open-sheet]").is_visible():
        page.locator("[data-open-sheet]").click()


def _open_fold(page: Page, stage: Stage) -> None:
    _open_sheet(page)
    page.locator(".fold > summary").click()
    page.locator(".fold").scroll_into_view_if_needed()


def _ask_for_too_much(page: Page, stage: Stage) -> None:
    _open_fold(page, stage)
    page.locator("#prompt").fill("A very long story. " * 120)
    page.locator("[name=width]").fill("1001")
    page.locator(".go").click()


def _ask_too_fast(page: Page, stage: Stage) -> None:
    """Requests count that are refused for what they ask for, too."""
    script = """async () => {
        const token = document.cookie.match(/csrftoken=([^;]+)/)[1];
        const headers = { 'Content-Type': 'application/json', 'X-CSRFToken': token };
        const body = JSON.stringify({ prompt: 'x', width: 1, height: 1, steps: 8 });
        const ask = () => fetch('/api/v1/generations', { method: 'POST', headers, body });
        await Promise.all(Array.from({ length: 12 }, ask));
    }"""
    page.evaluate(script)
    page.locator("#prompt").fill("A purple field under a pink sky")
    page.locator(".go").click()


def _lose_the_network(page: Page, stage: Stage) -> None:
    page.locator(".job").first.wait_for()
    page.context.set_offline(True)


def _sign_out_elsewhere(page: Page, stage: Stage) -> None:
    page.locator("#prompt").fill("A draft that must not be lost")
    other = page.context.new_page()
    other.goto(f"{stage.address}/accounts/logout/")
    other.locator("main form button[type=submit]").click()
    other.wait_for_url("**/accounts/login/**")
    other.close()


def _break_the_archives(page: Page, stage: Stage) -> None:
    with stage.without_table("gallery_archive"):
        page.goto(f"{stage.address}/gallery/zip/")


def _arrive_during_planned_work(page: Page, stage: Stage) -> None:
    stage.begin_planned_work()
    page.reload()


def _stay_during_planned_work(page: Page, stage: Stage) -> None:
    page.locator(".job").first.wait_for()
    stage.begin_planned_work()


def _send_without_cookies(page: Page, stage: Stage) -> None:
    page.context.clear_cookies()
    _submit("main form button[type=submit]", login="ana", password="whatever it was")(page, stage)


def _choose_two(page: Page, stage: Stage) -> None:
    page.locator("#select").click()
    for number in (0, 2):
        page.locator(".cell > a").nth(number).click()


_DELETE_ALL = _click("details.menu:has([data-delete-all]) > summary", "[data-delete-all]")
_TOO_SHORT = _submit("main form button[type=submit]", username="ana", password1="short", password2="other")

STATES = (
    # before signing in
    State("sign-in", "", "/accounts/login/", "#id_login", is_translated=True, is_rare=True),
    State(
        "sign-in-refused",
        "",
        "/accounts/login/",
        ".field__error, .errorlist, [role=alert]",
        _submit("main form button[type=submit]", login="nobody", password="a wrong guess"),
        is_rare=True,
    ),
    State("sign-up", "", "/accounts/signup/", "#id_username", is_rare=True),
    State("sign-up-errors", "", "/accounts/signup/", "[aria-invalid=true]", _TOO_SHORT),
    State("sign-up-waiting", "", "/accounts/inactive/", "main h1", is_rare=True),
    State("password-reset", "", "/accounts/password/reset/", "#id_email", is_rare=True),
    # create
    State("create-empty", "ana", "/", "#empty .idea"),
    State("create", "mei", "/", ".job .tile a img", is_translated=True, is_rare=True),
    State("create-fold", "mei", "/", "#seed", _open_fold, is_translated=True, is_rare=True),
    State(
        "create-start", "mei", "/?start={picture}", "[data-start-picture]:visible, .summary img:visible", is_rare=True
    ),
    State("create-failed", "kim", "/", ".job [data-part=failure]"),
    State("quota-used-up", "eva", "/", ".go[aria-disabled=true]"),
    State("field-errors", "mei", "/", "#prompt-error", _ask_for_too_much, console_ok=("422",)),
    State("rate-limit", "jon", "/", "[data-problem]", _ask_too_fast, console_ok=("422", "429")),
    State("reconnecting", "mei", "/", "[data-note=offline]", _lose_the_network, console_ok=_DISCONNECTED),
    State("signed-out", "lea", "/", "[data-note=signed-out]", _sign_out_elsewhere),
    # gallery
    State("gallery-empty", "ana", "/gallery/", ".empty h2", is_rare=True),
    State("gallery", "mei", "/gallery/", ".cell img", is_translated=True, is_rare=True),
    State("gallery-selection", "mei", "/gallery/", ".bulk [data-bulk=delete]:not([disabled])", _choose_two),
    State("gallery-delete-question", "mei", "/gallery/", "#delete-all[open]", _DELETE_ALL),
    State("gallery-no-result", "mei", "/gallery/?q=zeppelin", ".empty h2", is_rare=True),
    State("gallery-no-favourites", "ana", "/gallery/?favourite=1", ".empty h2", is_rare=True),
    State("gallery-new-album", "mei", "/gallery/", "#new-album[open]", _click("[data-new-album]"), is_rare=True),
    State("album", "mei", "/gallery/?album={album}", ".album .album__cover", is_rare=True),
    State("album-empty", "mei", "/gallery/?album={empty_album}", ".empty h2", is_rare=True),
    State("bin", "mei", "/gallery/bin/", ".cell img", is_rare=True),
    State("bin-empty", "ana", "/gallery/bin/", ".empty h2", is_rare=True),
    State("archives", "mei", "/gallery/zip/", ".archives a.btn", is_rare=True),
    State("archives-empty", "ana", "/gallery/zip/", ".empty h2", is_rare=True),
    State("viewer", "mei", "/gallery/{picture}/", ".stage__img img", is_translated=True),
    State("viewer-missing-file", "mei", "/gallery/{lost}/", ".lost"),
    # account
    State("account", "mei", "/accounts/", ".history__bar", is_translated=True, is_rare=True),
    State("account-delete", "mei", "/accounts/delete/", "main [type=submit]", is_rare=True),
    State("account-sessions", "mei", "/accounts/sessions/", "main .list", is_rare=True),
    State("account-e-mail", "mei", "/accounts/email/", "main h1", is_rare=True),
    State("account-two-factor", "mei", "/accounts/2fa/", "main h1", is_rare=True),
    State("account-password", "mei", "/accounts/password/change/", "#id_oldpassword", is_rare=True),
    State("keyboard-shortcuts", "mei", "/accounts/", "#keys[open]", _click("main [data-open-keys]"), is_rare=True),
    # errors
    State("error-403", "ana", "/admin/", ".entrance--error h1", console_ok=("403",)),
    State("error-404", "mei", "/nowhere/", ".entrance--error h1", console_ok=("404",), is_rare=True),
    State("error-500", "mei", "/", ".entrance--error h1", _break_the_archives, console_ok=("500",)),
    State(
        "error-form",
        "",
        "/accounts/login/",
        ".entrance--error h1",
        _send_without_cookies,
        console_ok=("403",),
        is_rare=True,
    ),
    State(
        "maintenance",
        "mei",
        "/",
        ".entrance--error h1",
        _arrive_during_planned_work,
        console_ok=("503",),
        is_translated=True,
    ),
    State("maintenance-begins", "mei", "/", "[data-note=closed]", _stay_during_planned_work),
    # administration
    State("admin-dashboard", "admin", "/admin/", ".figures .history__bar", is_translated=True),
    State("admin-people", "admin", "/admin/auth/user/", "#result_list", is_rare=True),
    State("admin-person", "admin", "/admin/auth/user/{mei}/change/", ".submit-row"),
    State("admin-generations", "admin", "/admin/generation/generation/", "#result_list"),
    State("admin-pictures", "admin", "/admin/gallery/image/", "#result_list"),
    State("admin-workers", "admin", "/admin/generation/worker/", "#result_list", is_rare=True),
    State("admin-new-style", "admin", "/admin/generation/style/add/", ".submit-row", is_rare=True),
    State("admin-new-quota", "admin", "/admin/generation/quota/add/", ".submit-row", is_rare=True),
    # the queue, and what the worker makes of it
    State("queue-empty", "ana", "/queue/", "#empty h2", is_rare=True),
    State("create-drawing", "mei", "/", ".tile--live img", scene=Scene.DRAWING, is_in_forced_colours=True),
    State("create-queued", "tom", "/", "article.queued", scene=Scene.DRAWING, is_rare=True),
    State("queue", "mei", "/queue/", "#own-line .entry", scene=Scene.DRAWING, is_translated=True),
    State("queue-as-staff", "admin", "/queue/", "#line .entry--other", scene=Scene.DRAWING, is_rare=True),
    State("no-worker", "tom", "/", "[data-note=no-worker] [data-waiting]", scene=Scene.STOPPED),
    State("model-loading", "tom", "/", "[data-note=loading]", scene=Scene.LOADING),
)
