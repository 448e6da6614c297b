"""The site in Chinese: its pages, the menu that changes the language, and a whole run from words to a picture."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ADMIN

pytestmark = pytest.mark.browser_context_args(locale="zh-CN")

NAMES = {
    "Zimageweb",
    "English",
    "API",
    "PNG",
    "ZIP",
    "KB",
    "MB",
    "GB",
    "GPU",
    *("Image", "Turbo"),  # of Z-Image-Turbo
    "Starter model",
    "Ctrl",
    "LoRA",
    *("ink", "styles", "oil"),  # of the LoRAs of the site under test: files have one name
    "member",
    "ME",
}
WORDS_SHOWN = """() => [
    document.title,
    document.body.innerText,
    ...['aria-label', 'title', 'placeholder', 'alt'].flatMap(
        (name) => [...document.querySelectorAll(`[${name}]`)].map((element) => element.getAttribute(name))),
].join('\\n')"""


def english_on(page: Page) -> set[str]:
    """English words that a person would see or hear on the page, but for names and commands."""
    shown: str = page.evaluate(WORDS_SHOWN)
    for command in page.locator("code").all_inner_texts():
        shown = shown.replace(command, "")
    words = re.findall(r"[A-Za-z_]{2,}(?: [A-Za-z]+)*", shown)
    return set(words) - NAMES


def sign_in(page: Page, account: tuple[str, str]) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("用户名或邮箱").fill(account[0])
    page.get_by_label("密码", exact=True).fill(account[1])
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_label("描述想要的图片")).to_be_visible()


@pytest.mark.console_ok("404")
@pytest.mark.parametrize(
    ("path", "title", "heading", "button"),
    [
        ("/accounts/login/", "登录", "登录 Zimageweb", "登录"),
        ("/accounts/signup/", "注册", "注册账号", "注册"),
        ("/accounts/password/reset/", "密码重置", "密码重置", "重置我的密码"),
        ("/nowhere/", "页面不存在", "这里什么也没有", ""),
    ],
)
def test_what_a_stranger_sees_is_chinese(page: Page, path: str, title: str, heading: str, button: str) -> None:
    page.goto(path)
    expect(page).to_have_title(f"{title} · Zimageweb")
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    if button:
        expect(page.get_by_role("main").get_by_role("button", name=button)).to_be_visible()
    assert not english_on(page)


def test_what_a_member_sees_is_chinese_and_fits_a_phone(page: Page, member: tuple[str, str]) -> None:
    sign_in(page, member)
    page.set_viewport_size({"width": 390, "height": 844})
    for path, title, button in (
        ("/", "创作", "生成"),
        ("/queue/", "队列", ""),
        ("/gallery/", "图库", ""),
        ("/gallery/?favourite=1", "图库", ""),
        ("/gallery/bin/", "回收站", ""),
        ("/accounts/", "账号", "创建令牌"),
        ("/accounts/email/", "邮箱地址", "添加邮箱"),
        ("/accounts/2fa/", "两步验证", ""),
    ):
        page.goto(path)
        expect(page).to_have_title(f"{title} · Zimageweb")
        if button:
            expect(page.get_by_role("button", name=button)).to_be_visible()
        assert not english_on(page), path
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


def test_the_administration_is_chinese(page: Page) -> None:
    sign_in(page, ADMIN)
    page.goto("/admin/")
    expect(page.get_by_role("heading", name="管理后台")).to_be_visible()
    for name in ("生成任务", "绘图进程", "配额", "邀请", "API 令牌"):
        expect(page.get_by_role("link", name=name, exact=True).first).to_be_visible()


def test_the_language_that_was_chosen_stays(page: Page, member: tuple[str, str]) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("语言", exact=True).click()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in to Zimageweb")
    (cookie,) = [each for each in page.context.cookies() if each["name"] == "django_language"]
    assert cookie["expires"] > time.time() + 300 * 24 * 3600, "it outlives the browser's session"

    page.get_by_label("Login").fill(member[0])
    page.get_by_label("Password", exact=True).fill(member[1])
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_title("Create · Zimageweb")
    expect(page.get_by_role("button", name=re.compile("Generate 4 pictures"))).to_be_visible()

    # The browser still asks for Chinese: the choice goes before that, back to it as well.
    page.goto("/accounts/")
    page.get_by_role("main").get_by_role("button", name="简体中文").click()
    expect(page).to_have_title("账号 · Zimageweb")
    tab = page.context.new_page()
    tab.goto("/")
    expect(tab.get_by_role("button", name=re.compile("生成 4 张图片"))).to_be_visible()


@pytest.mark.console_ok("422")
def test_from_words_to_a_picture_in_chinese(page: Page, member: tuple[str, str]) -> None:
    sign_in(page, member)
    expect(page.get_by_role("heading", name="第一张图，想画什么？")).to_be_visible()

    # What cannot be drawn is refused in Chinese by page and server.
    box = page.get_by_label("描述想要的图片")
    go = page.get_by_role("button", name=re.compile("^生成"))
    go.click()
    expect(page.locator("#prompt-error")).to_have_text("请先描述想要的图片。")
    box.fill("画" * 2_001)
    go.click()
    expect(page.locator("#prompt-error")).to_have_text("提示词有 2001 个字符，上限为 2000。")

    page.get_by_role("button", name="蓝色背景上的四个黄色星星").click()
    expect(box).to_have_value("蓝色背景上的四个黄色星星")
    page.get_by_role("radio", name="2", exact=True).check()
    page.locator("summary", has_text="高级设置").click()
    page.get_by_label("步数").fill("50")
    expect(go).to_have_text(re.compile("生成 2 张图片"))
    go.click()

    job = page.locator(".job").first
    expect(job).to_contain_text(re.compile("正在绘制"))
    expect(job).to_contain_text(re.compile(r"第 \d+ / 50 步"))
    assert not english_on(page)
    expect(job.locator(".tile a img")).to_have_count(2, timeout=60_000)
    expect(job).to_contain_text("刚刚")
    assert not english_on(page)

    page.get_by_role("link", name="图库").first.click()
    expect(page.get_by_role("heading", name="今天")).to_be_visible()
    page.locator(".cell a").first.click()
    expect(page.get_by_role("heading", name="提示词")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^今天 \d\d:\d\d$"))).to_be_visible()
    assert not english_on(page)

    page.goto("/gallery/")
    cells = page.locator(".cell")
    page.get_by_role("button", name="选择", exact=True).click()
    cells.first.locator("label.check").click()
    expect(page.get_by_text("已选 1 张")).to_be_visible()
    page.get_by_role("toolbar").get_by_role("button", name="删除").click()
    expect(page.locator(".toast", has_text="1 张图片已移到回收站。")).to_be_visible()
    page.get_by_role("button", name="撤销").click()
    expect(cells).to_have_count(2)
