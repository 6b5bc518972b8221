"""Push a folder as the whole content of a branch: one commit, without history.

    python3 tools/push_branch.py FOLDER BRANCH

Colab opens notebooks from a branch. The branch is made where it is missing and replaced where it
is there; nothing is pushed when its content is the same. In a workflow the repository and the right
to push come from GITHUB_REPOSITORY and GH_TOKEN. Nothing but Python's standard library and git is
needed.
"""

import base64
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path


def git(folder: Path, *words: str, variables: Mapping[str, str]) -> str:
    """Run git on a folder, whose records lie elsewhere; return what it prints.

    Raises:
        OSError: git fails; the text is its last line.
    """
    command = ["git", "--work-tree", str(folder), *words]
    environment = os.environ | variables
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)
    if done.returncode:
        raise OSError((done.stderr.strip() or "git failed").splitlines()[-1])
    return done.stdout.strip()


def push(folder: Path, branch: str, remote: str, words: str, token: str = "") -> bool:
    """Make a branch hold what the folder holds; return whether it had to be pushed.

    The token is handed to git in a variable: it stands in no address, no file and no command.

    Raises:
        OSError: the folder is empty, or git fails.
    """
    if not any(folder.iterdir()):
        raise OSError(f"{folder} is empty")
    who = {"NAME": "Define by Run", "EMAIL": "noreply@github.com"}
    variables = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in who.items()}
    if token:
        key = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        variables |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.extraHeader"}
        variables |= {"GIT_CONFIG_VALUE_0": f"Authorization: Basic {key}"}
    with tempfile.TemporaryDirectory() as records:
        variables["GIT_DIR"] = records
        git(folder, "init", "--quiet", variables=variables)
        git(folder, "add", "--all", "--force", ".", variables=variables)
        tree = git(folder, "write-tree", variables=variables)
        commit = git(folder, "commit-tree", tree, "-m", words, variables=variables)
        there = git(folder, "ls-remote", remote, f"refs/heads/{branch}", variables=variables)
        if there:
            fetch = ("fetch", "--quiet", "--depth", "1", remote, f"refs/heads/{branch}")
            git(folder, *fetch, variables=variables)
            if git(folder, "rev-parse", "FETCH_HEAD^{tree}", variables=variables) == tree:
                return False
        git(folder, "push", "--force", remote, f"{commit}:refs/heads/{branch}", variables=variables)
    return True


def main(arguments: list[str], environment: Mapping[str, str]) -> None:
    """Push to the repository of the workflow."""
    if len(arguments) != 2 or not environment.get("GITHUB_REPOSITORY"):
        sys.exit("Say what to push, and where, in a workflow: push_branch.py FOLDER BRANCH")
    server = environment.get("GITHUB_SERVER_URL", "https://github.com")
    remote = f"{server}/{environment['GITHUB_REPOSITORY']}.git"
    words = f"Made from {environment.get('GITHUB_SHA', 'a checkout')[:10]}"
    folder, branch = Path(arguments[0]).resolve(), arguments[1]
    try:
        pushed = push(folder, branch, remote, words, environment.get("GH_TOKEN", ""))
    except OSError as error:
        sys.exit(f"The branch {branch} could not be pushed: {error}")
    print(f"The branch {branch} {'was pushed' if pushed else 'is up to date'}.")


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
