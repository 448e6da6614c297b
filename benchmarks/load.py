"""30, 100 and 300 people at once, each with one picture by the real pipeline: does everybody get theirs?"""

from __future__ import annotations

import re
import sys

from benchmarks import ground

USERS = "5,10,15,20,30,100,300"
SIZE, STEPS = "128x128", 4  # small, so that 300 people on two cores are served in minutes


def main() -> int:
    report = ground.Report("load", "People at once, through the whole site")
    with ground.open_site_folder() as folder:
        from tests.site.running import site, until

        with site(folder, **ground.SITE) as running:
            until(running.is_ready, seconds=120, what="the worker is ready")
            result = ground.manage(
                *("loadtest", f"http://localhost:{running.port}", "--make-users", "--users", USERS),
                *("--size", SIZE, "--steps", str(STEPS), "--plot", str(folder / "load.svg")),
            )
        plot = (folder / "load.svg").read_text(encoding="utf-8") if (folder / "load.svg").exists() else ""
    report.say(
        f"`manage.py up` with one worker (starter model, one thread), SQLite, the embedded Redis and one Daphne; "
        f"`manage.py loadtest --users {USERS} --size {SIZE} --steps {STEPS}` on the same cores."
    )
    report.say(re.sub(r"; the plot is .*", ".", result.stdout.strip()))
    if result.stderr.strip():
        report.say(result.stderr.strip())
    rows = re.findall(r"^\|\s*(\d+) \|(?:[^|]*\|){3}\s*([\d.]+) \|", result.stdout, re.MULTILINE)
    report.judge(
        {"30", "100", "300"} <= {users for users, _ in rows} and all(float(failed) == 0 for _, failed in rows),
        "30, 100 and 300 users at once, 0 % failures, every answer a picture.",
    )
    if report.keep and plot:
        (ground.RESULTS / "load.svg").write_text(plot, encoding="utf-8")
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
