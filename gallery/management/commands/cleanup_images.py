"""Move old pictures to the bin, empty the bin, remove files that no picture has, free the disk."""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentParser
from dataclasses import replace
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from gallery import disk, retention

LONGEST = 36_500  # days


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--older-than",
            type=int,
            metavar="DAYS",
            help="move kept pictures older than this to the bin; 0 moves every picture that is neither a "
            "favourite nor in an album (default: RETENTION_DAYS, where 0 keeps them for ever)",
        )
        parser.add_argument("--user", metavar="NAME", help="only this person's pictures; files are not compared then")
        parser.add_argument(
            "--free-to",
            type=float,
            metavar="PERCENT",
            help="delete the oldest pictures, those in the bin first, until the disk is at most so full",
        )
        parser.add_argument("--include-favourites", action="store_true", help="spare neither favourites nor albums")
        parser.add_argument("--dry-run", action="store_true", help="only list what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            plan = retention.plan(self._policy(options), timezone.now())
        except disk.NoLocalDisk:
            raise CommandError(_("--free-to needs the pictures on a disk of this machine.")) from None
        if options["verbosity"]:
            for line in lines(plan):
                self.stdout.write(line)
        self._warn(plan)
        if options["dry_run"]:
            self.stdout.write(_would_do(plan))
            return
        self.stdout.write(did(retention.carry_out(plan)))
        free_to = options["free_to"]
        if free_to is not None and (percent := disk.use().percent) > free_to:
            self.stderr.write(
                _("The disk is still %(percent).1f %% full; nothing more may be deleted.") % {"percent": percent}
            )

    def _policy(self, options: dict[str, Any]) -> retention.Policy:
        older_than, free_to = options["older_than"], options["free_to"]
        if older_than is not None and not 0 <= older_than <= LONGEST:
            raise CommandError(
                _("--older-than must be a number of days from 0 to %(most)s, not %(value)s. 0 means every picture.")
                % {"most": LONGEST, "value": older_than}
            )
        if free_to is not None and not 0 <= free_to <= 100:
            raise CommandError(_("--free-to must be a percentage from 0 to 100, not %(value)s.") % {"value": free_to})
        policy = retention.default_policy()
        return replace(
            policy,
            # Days given by hand hold for everybody.
            older_than=policy.older_than if older_than is None else older_than,
            exceptions=policy.exceptions if older_than is None else {},
            owner_id=_owner_id(options["user"]),
            free_to=free_to,
            include_favourites=options["include_favourites"],
        )

    def _warn(self, plan: retention.Plan) -> None:
        if plan.missing:
            self.stderr.write(
                ngettext(
                    "%(count)s picture lacks a file. Its row was left alone: is the disk mounted?",
                    "%(count)s pictures lack files. Their rows were left alone: is the disk mounted?",
                    len(plan.missing),
                )
                % {"count": len(plan.missing)}
            )
        if plan.strays_are_suspicious:
            self.stderr.write(
                _(
                    "The database knows no picture, but there are %(count)s files. They were left alone: "
                    "is DATABASE_URL right?"
                )
                % {"count": len(plan.strays)}
            )


def _owner_id(name: str | None) -> int | None:
    if name is None:
        return None
    users = get_user_model()._default_manager
    found = users.filter(username=name).values_list("pk", flat=True).first()
    if found is None:
        raise CommandError(_("There is nobody called “%(name)s”.") % {"name": name})
    return int(found)


def lines(plan: retention.Plan) -> list[str]:
    """One line for each thing in the plan: what happens to it, id, owner, age, bytes."""
    planned = [("bin", plan.to_bin), ("delete", plan.overdue), ("free", plan.to_free), ("input", plan.inputs)]
    planned.append(("zip", [*plan.archives, *plan.spare_archives]))
    listed = [
        f"{verb:8}{image.id}  {image.owner}  {_age(plan.now - image.since)}  {image.bytes}"
        for verb, images in planned
        for image in images
    ]
    verb = "unknown" if plan.strays_are_suspicious else "orphan"
    listed += [f"{verb:8}{stray.name}  {_age(plan.now - stray.since)}  {stray.bytes}" for stray in plan.strays]
    listed += [f"{'missing':8}{row.id}  {row.owner}  {' '.join(row.names)}" for row in plan.missing]
    return listed


def _age(age: dt.timedelta) -> str:
    return f"{age.days} d" if age.days else f"{age.seconds // 3600} h"


def did(outcome: retention.Outcome) -> str:
    """The closing sentence of a real run."""
    return _(
        "Moved %(moved)s to the bin, deleted %(deleted)s (%(bytes)s) and %(strays)s without a picture "
        "(%(stray_bytes)s)."
    ) % _words(outcome) + _and_more(outcome)


def _and_more(outcome: retention.Outcome) -> str:
    """Further sentences where there is something to say."""
    said = ""
    if outcome.inputs:
        sentence = ngettext(
            "%(count)s upload that nobody uses any more: %(bytes)s.",
            "%(count)s uploads that nobody uses any more: %(bytes)s.",
            outcome.inputs,
        )
        said += " " + sentence % {"count": outcome.inputs, "bytes": filesizeformat(outcome.input_bytes)}
    if outcome.archives:
        sentence = ngettext("%(count)s ZIP file: %(bytes)s.", "%(count)s ZIP files: %(bytes)s.", outcome.archives)
        said += " " + sentence % {"count": outcome.archives, "bytes": filesizeformat(outcome.archive_bytes)}
    return said


def _would_do(plan: retention.Plan) -> str:
    deleted = [*plan.overdue, *plan.to_free]
    strays = [] if plan.strays_are_suspicious else plan.strays
    packed = [*plan.archives, *plan.spare_archives]
    outcome = retention.Outcome(
        moved=len(plan.to_bin),
        deleted=len(deleted),
        deleted_bytes=sum(image.bytes for image in deleted),
        strays=len(strays),
        stray_bytes=sum(stray.bytes for stray in strays),
        inputs=len(plan.inputs),
        input_bytes=sum(planned.bytes for planned in plan.inputs),
        archives=len(packed),
        archive_bytes=sum(planned.bytes for planned in packed),
    )
    return _(
        "Would move %(moved)s to the bin, delete %(deleted)s (%(bytes)s) and %(strays)s without a picture "
        "(%(stray_bytes)s). Nothing was changed."
    ) % _words(outcome) + _and_more(outcome)


def _words(outcome: retention.Outcome) -> dict[str, str]:
    def pictures(number: int) -> str:
        return ngettext("%(count)s picture", "%(count)s pictures", number) % {"count": number}

    return {
        "moved": pictures(outcome.moved),
        "deleted": pictures(outcome.deleted),
        "bytes": filesizeformat(outcome.deleted_bytes),
        "strays": ngettext("%(count)s file", "%(count)s files", outcome.strays) % {"count": outcome.strays},
        "stray_bytes": filesizeformat(outcome.stray_bytes),
    }
