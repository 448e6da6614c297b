"""Who uses the site that is shown, and what they have: real pictures, drawn by the engine that is configured."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tests.site.running import Site, until
from tests.site.shell import open_shell

PASSWORD = "pw-of-a-person-1"
PEOPLE = (
    "mei",  # has pictures, albums, a bin
    "ana",  # has only just come
    "tom",  # waits in line
    "eva",  # has used up her quota
    "jon",  # asks too fast
    "kim",  # whose pictures the disk does not take
    "lea",  # is signed out in another tab
)
BATCHES = (
    ("The sea at sunset with a red sun and a white sailboat", "3:2", 4),
    ("Snowy mountains at dawn with three pink trees", "9:16", 3),
    ("Four yellow stars on a blue background", "1:1", 3),
    ("Rolling hills at night with the moon on the left and a red house on the right", "16:9", 2),
    ("A purple field under a pink sky with a white house", "4:3", 1),
)
AGES = {BATCHES[0][0]: 0, BATCHES[1][0]: 0, BATCHES[2][0]: 1, BATCHES[3][0]: 1, BATCHES[4][0]: 5}  # days
_MAKE = """
import json
from django.contrib.auth.models import User
from generation.models import Quota
from zimageweb.models import ApiToken
made = {{}}
for name in {people!r}:
    user = User.objects.create_user(name, f"{{name}}@example.org", {password!r})
    made[name] = {{"id": user.pk, "token": ApiToken.issue(user, "My laptop")}}
admin = User.objects.get(username="admin")
made["admin"] = {{"id": admin.pk, "token": ApiToken.issue(admin, "")}}
Quota.objects.create(user_id=made["eva"]["id"], pictures_per_day=1)
print(json.dumps(made))
"""
_AGE = """
import datetime as dt
from django.db.models import F
from gallery.models import Image
from generation.models import Generation
for prompt, days in {ages!r}.items():
    Image.objects.filter(prompt=prompt).update(created_at=F("created_at") - dt.timedelta(days=days))
    Generation.objects.filter(prompt=prompt).update(finished_at=F("finished_at") - dt.timedelta(days=days))
lost = Image.objects.get(pk={lost!r})
lost.file.storage.delete(lost.file.name)
"""


@dataclass
class Population:
    """The people of a site, who act over the API; and the parts of addresses that the table of states names."""

    site: Site
    tokens: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)

    def move_in(self) -> None:
        made = json.loads(self._run(_MAKE.format(people=PEOPLE, password=PASSWORD)))
        self.tokens = {name: each["token"] for name, each in made.items()}
        self.facts = {name: str(each["id"]) for name, each in made.items()}

    def call(self, name: str, method: str, path: str, body: Any = None) -> Any:
        """One request to the API by this person; what it answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=30)
        headers = {"Authorization": f"Bearer {self.tokens[name]}", "Content-Type": "application/json"}
        try:
            connection.request(method, f"/api/v1/{path}", None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        assert response.status < 300, f"{name} {method} {path}: {response.status} {text}"
        return json.loads(text) if text else None

    def ask(self, name: str, prompt: str, *, ratio: str = "1:1", count: int = 1, **settings: Any) -> None:
        (model,) = self.call(name, "GET", "models")["models"]
        shape = next(each for each in model["shapes"] if each["ratio"] == ratio)
        size = {"width": shape["width"], "height": shape["height"], "steps": model["default_steps"]}
        self.call(name, "POST", "generations", size | {"prompt": prompt, "count": count} | settings)

    def wait_until_drawn(self) -> None:
        until(self._is_idle, seconds=180, what="all pictures are drawn")

    def _is_idle(self) -> bool:
        line = self.call("ana", "GET", "queue")
        return not line["running"] and not line["length"]

    def cancel_everything(self) -> None:
        for name in self.tokens:
            self.call(name, "POST", "generations/cancel")
        self.wait_until_drawn()

    def work(self) -> None:
        """Everybody has made what they are going to have."""
        self._block_the_disk("kim")
        for prompt, ratio, count in BATCHES:
            self.ask("mei", prompt, ratio=ratio, count=count)
        self.ask("eva", "A desert under an orange sky")
        self.ask("kim", "A winter landscape at night with the moon")
        self.wait_until_drawn()
        self._tidy_up()

    def _block_the_disk(self, name: str) -> None:
        """A file lies where the folder of this person's pictures has to be made."""
        images = self.site.data_dir / "media" / "images"
        images.mkdir(parents=True, exist_ok=True)
        (images / self.facts[name]).write_text("in the way")

    def _tidy_up(self) -> None:
        pictures = {prompt: self._images_of(prompt) for prompt, _ratio, _count in BATCHES}
        sea, mountains, stars, hills, _field = pictures.values()
        for each in (sea[0], mountains[1], stars[2]):
            self.call("mei", "PATCH", f"images/{each}", {"favourite": True})
        album = self.call("mei", "POST", "albums", {"name": "Evenings", "ids": sea + hills[:1]})
        empty = self.call("mei", "POST", "albums", {"name": "For later", "ids": []})
        self.call("mei", "POST", "images/delete", {"ids": [mountains[2], stars[1]]})
        archive = self.call("mei", "POST", "archives", {"album": album["id"]})
        self._run(_AGE.format(ages=AGES, lost=hills[1]))
        is_ready = lambda: self.call("mei", "GET", f"archives/{archive['id']}")["state"] == "ready"  # noqa: E731
        until(is_ready, seconds=30, what="the ZIP file is packed")
        self.facts |= {"picture": sea[1], "lost": hills[1], "album": album["id"], "empty_album": empty["id"]}

    def _images_of(self, prompt: str) -> list[str]:
        return [image["id"] for image in self.call("mei", "GET", f"images?q={quote(prompt)}")["items"]]

    def _run(self, script: str) -> str:
        with open_shell(self.site.data_dir, **ALONE) as run:
            return run(script)


# What a developer's .env may say of another place; empty is the default.
ALONE = dict.fromkeys(("DATABASE_URL", "REDIS_URL", "SITE_URL", "HOST", "SIGNUP", "EMAIL_URL"), "")
