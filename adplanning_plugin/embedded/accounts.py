"""Who runs an embedded server and where its files live; it makes no accounts and changes no folder it did not make.

PostgreSQL refuses to run as root. Started by root, a server therefore runs as `nobody`, from folders that `nobody` can
enter; started by anyone else it runs as that person.
"""

import os
import pwd
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

_BASE = Path("/var/tmp")  # noqa: S108 - survives a reboot and is open to every account; owners are checked below
_OURS = 0o711  # a folder made by root for `nobody`: it may pass through, not list


class EmbeddedError(RuntimeError):
    """An embedded server cannot start; the message names the folder, port or package and the way out."""


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system account that runs a server; `uid` None means: whoever is asking."""

    uid: int | None = None
    gid: int | None = None

    def own(self, path: Path) -> None:
        """Hand over a file or folder that this package has just made."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def can_enter(self, folder: Path) -> bool:
        """Whether the account may pass through `folder`, asked of the kernel and not computed from mode bits."""
        if self.uid is None:
            return os.access(folder, os.X_OK)
        answer = subprocess.run(
            ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)],
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        return answer.returncode == 0


def server_account() -> Account:
    """`nobody` for root, the caller otherwise."""
    if os.geteuid() != 0:
        return Account()
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedError(
            "PostgreSQL does not run as root and this machine has no account `nobody` to run it as. "
            "Start this command as an ordinary user, or give the address of a PostgreSQL that is already running."
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def home(name: str = "") -> Path:
    """A folder that lasts between runs and that the server's account can enter: `/var/tmp/adplanning-<uid>/<name>`."""
    base = _BASE / f"adplanning-{os.geteuid()}"
    make_folder(base)
    status = base.lstat()
    if not base.is_dir() or base.is_symlink() or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise EmbeddedError(
            f"{base} belongs to someone else or is open to others' changes, so nothing is started from it. "
            f"Remove it, or name another data folder."
        )
    folder = base / name if name else base
    make_folder(folder)
    return folder


def temporary_folder(prefix: str) -> Path:
    """A fresh folder under `home()`, for a server whose data is thrown away."""
    folder = Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=home("tmp")))
    folder.chmod(_OURS if os.geteuid() == 0 else 0o700)
    return folder


def make_folder(folder: Path) -> None:
    """Make `folder` and its missing parents; those that exist keep the mode they have."""
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        try:
            missing.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise EmbeddedError(
                f"The data folder {missing} cannot be made: {error.strerror}. Name another one."
            ) from None
        missing.chmod(_OURS if os.geteuid() == 0 else 0o700)


def reachable(folder: Path, account: Account) -> None:
    """Refuse a data folder that the server's account cannot get to, naming the parent that is in the way."""
    for step in [*reversed(folder.parents), folder]:
        if not account.can_enter(step):
            who = "you" if account.uid is None else "`nobody`, which runs the server when root starts it,"
            raise EmbeddedError(
                f"The data folder {folder} cannot be reached: {who} may not enter {step}. "
                f"Name a folder elsewhere, for example {_BASE / f'adplanning-{os.geteuid()}' / 'data'}."
            )
