"""As whom the database's programs run: PostgreSQL refuses to be started by root."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NOBODY = 65534
USER_NAMESPACE = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")


class PostgresError(Exception):
    """The embedded database cannot run here. The text is one line for the operator."""


@dataclass(frozen=True)
class Runner:
    """How a database program is started, and which user's files it then expects."""

    prefix: tuple[str, ...] = ()
    user_id: int = field(default_factory=os.geteuid)
    drops_root: bool = False

    def command(self, *words: str | Path) -> list[str]:
        """The words to execute, with whatever must stand before them."""
        return [*self.prefix, *map(str, words)]

    def options(self) -> dict[str, Any]:
        """What `subprocess` must be told besides; the caller's PG* settings are not ours."""
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))}
        options: dict[str, Any] = {"env": {**environ, "LC_ALL": "C"}}
        if self.drops_root:
            options |= {"user": self.user_id, "group": NOBODY, "extra_groups": []}
        return options

    def hand_over(self, path: Path) -> None:
        """Give a directory with all that is in it to the user who runs the database."""
        if os.geteuid() != 0 or path.stat().st_uid == self.user_id:
            return
        for folder, _, files in os.walk(path):
            for name in files:
                os.chown(os.path.join(folder, name), self.user_id, -1, follow_symlinks=False)
            # The top is handed over last: a walk cut short is begun again the next time.
            if Path(folder) != path:
                os.chown(folder, self.user_id, -1)
        os.chown(path, self.user_id, -1)


def choose_runner(directory: Path, *, program: Path) -> Runner:
    """Find a way to run the database that works on this machine.

    An ordinary user simply runs it. Root first looks at itself as "nobody" (a user namespace:
    files stay root's, and directories closed to others stay reachable), else becomes nobody.
    A user id without a name, as containers have, is refused by initdb, too.

    Raises:
        PostgresError: We are root, or nameless, and no way is open.
    """
    if os.geteuid() != 0 and _has_name(os.geteuid()):
        return Runner()
    runners = [Runner(prefix=USER_NAMESPACE)]
    if os.geteuid() == 0:
        runners.append(Runner(user_id=NOBODY, drops_root=True))
    for runner in runners:
        if _works(runner, directory, program=program):
            return runner
    raise PostgresError(
        "PostgreSQL does not run as root or as a user without a name, and user nobody cannot "
        f"reach {directory} and {program}: start as an ordinary user, or set DATABASE_URL"
    )


def _has_name(user_id: int) -> bool:
    try:
        pwd.getpwuid(user_id)
    except KeyError:
        return False
    return True


def _works(runner: Runner, directory: Path, *, program: Path) -> bool:
    """Whether this way reaches both the program and the place of its files."""
    probe = runner.command("sh", "-c", '"$0" --version && cd "$1"', program, directory)
    try:
        answer = subprocess.run(probe, check=False, capture_output=True, **runner.options())
    except OSError:
        return False
    return answer.returncode == 0
