"""Git's failures in words: what git says in the C locale, what that means, and what to do.

The first row of the table whose pattern is in git's words tells; what its groups found, and the
folder, fill its text. Git's own words stay at the end.
"""

import re
from pathlib import Path

_CREDENTIALS = (
    "found no credentials that the remote repository accepts, expected some: set up a credential "
    "helper or an SSH key, or correct the URL"
)
_DISK = "found a full disk while git wrote, expected space: free some, then try again"

_Rows = tuple[tuple[str, str], ...]
_REPOSITORY: _Rows = (
    # Two failures in one: the second says what it is about.
    (
        r"from promisor remote",
        (
            "found a partial clone in {folder} whose remote cannot be asked for what it left out: "
            "reach the remote, or clone in full"
        ),
    ),
    # Where a repository is, and whose.
    (
        r"cannot change to '(.+)': (.+)",
        "found no folder {0} ({1}), expected a repository: correct the path",
    ),
    (
        r"Unable to read current working directory",
        "found that the current folder was removed, expected a repository: change into another",
    ),
    (
        r"'(.+)' does not appear to be a git|repository '(.+)' (?:not found|does not exist)",
        "found no repository at {0}, expected one: correct the URL, or ask for access to it",
    ),
    (
        r"not a git repository",
        (
            "found no git repository in {folder}, expected one: change into a clone, "
            "or begin one with `git init`"
        ),
    ),
    (
        r"detected dubious ownership in repository at '(.+)'",
        (
            "found that {0} belongs to another user, expected your own: if you trust it, "
            "`git config --global --add safe.directory {0}`"
        ),
    ),
    (
        r"must be run in a work tree",
        "found a bare repository in {folder}, expected one with files: clone it",
    ),
    (
        r"bad config line (\d+) in file (\S+)",
        "found a fault in line {0} of {1}, expected git's settings: correct that line",
    ),
    (
        r"Expected git repo version|unknown repository extension",
        (
            "found a repository of a newer git in {folder}, expected one that this git reads: "
            "upgrade git"
        ),
    ),
    # Revisions and objects.
    (
        r"does not have any commits yet|bad (?:default )?revision 'HEAD'",
        "found no commit yet in {folder}, expected one: commit first",
    ),
    (
        r"couldn't find remote ref (\S+)|Remote branch (\S+) not found",
        (
            "found no {0} in the remote repository, expected a branch of it: "
            "`git ls-remote --heads` lists them"
        ),
    ),
    (
        r"short (?:object ID|SHA1) (\w+) is ambiguous",
        "found several objects that begin with {0} in {folder}, expected one: give more digits",
    ),
    (
        (
            r"Needed a single revision|bad revision|unknown revision|Not a valid object name"
            r"|Invalid revision range"
        ),
        (
            "found no such revision in {folder}, expected a branch, tag or hash: "
            "`git branch --all` and `git tag` list them"
        ),
    ),
    (
        (
            r"is corrupt|unable to unpack|inflate: |bad object|bad file|not a tree object"
            r"|unable to read tree|could not get object info|missing (?:blob|tree|commit)"
        ),
        (
            "found an object that is missing or damaged in {folder}, expected a whole repository: "
            "`git fsck` names it; fetch it again, or clone anew"
        ),
    ),
    # Writing.
    (
        r"Unable to create '(.+\.lock)': File exists",
        (
            "found the lock {0} of another git, expected none: wait for that git; "
            "if none runs, remove the file"
        ),
    ),
    (r"No space left on device|[Dd]isk quota exceeded", _DISK),
    (
        r"tell me who you are|empty ident name|auto-detection is disabled",
        (
            "found no name and e-mail address to commit as, expected both: "
            "`git config user.name` and `git config user.email` set them"
        ),
    ),
    (
        r"partial commit during a (\S+?)\.|not concluded your (merge)|you need to (resolve)",
        "found a {0} that is not finished in {folder}, expected none: finish or abort it first",
    ),
)
_HOSTS: _Rows = (
    (
        (
            r"Permission denied \(\w+|Authentication failed|could not read (?:Username|Password)"
            r"|returned error: 40[13]"
        ),
        _CREDENTIALS,
    ),
    (
        r"Host key verification failed",
        (
            "found a host whose key is not known here, expected a known one: compare its "
            "fingerprint, then connect once with `ssh`"
        ),
    ),
    (
        r"Could not resolve host(?:name)?:? ([\w.-]+)",
        "found no address of the host {0}, expected one: correct the URL, or look at DNS and VPN",
    ),
    (
        r"SSL certificate|certificate (?:verif|problem)",
        (
            "found a certificate of the host that is not trusted, expected a valid one: "
            "correct the URL, or set `http.sslCAInfo` to your own authority"
        ),
    ),
    (
        (
            r"Failed to connect|unable to connect|Connection (?:refused|timed out|reset)"
            r"|(?:Network is|host is) unreachable|No route to host|Operation timed out"
        ),
        (
            "found no answer from the host, expected the repository: correct the URL and port, "
            "or look at network, proxy and firewall"
        ),
    ),
    (
        r"returned error: (\d+)",
        (
            "found a fault of the host (HTTP status {0}), expected the repository: try again "
            "later, or tell whoever runs it"
        ),
    ),
    (
        r"early EOF|hung up unexpectedly|RPC failed|unexpected disconnect",
        "found a connection that broke off, expected all of the repository: try again",
    ),
    (
        (
            r"'remote-(\S+)' is not a git command|remote helper for '(\S+)'"
            r"|(?:protocol|transport) '(\S+)' (?:is not supported|not allowed)"
        ),
        "found a URL that git cannot follow ({0}:), expected https, ssh or file: correct it",
    ),
)
_FILES: _Rows = (
    (
        r"'([^']+)': (Permission denied|Read-only file system)",
        (
            "found that git may not use {0} ({1}), expected to be allowed to: look at its owner, "
            "permissions and mount"
        ),
    ),
    (
        r"Permission denied|insufficient permission|Read-only file system",
        (
            "found that a file of {folder} cannot be read or written, expected to be allowed to: "
            "look at owner, permissions and mount"
        ),
    ),
    (
        r"[Oo]ut of memory|Cannot allocate memory",
        "found too little memory for git, expected more: end other programs",
    ),
)


def told(folder: Path, command: str, words: str) -> str:
    """A failure of `git <command>` in a folder: found, expected, where, what to do, git's words."""
    words = words.strip()
    # What a hook of `commit` says may be about any host, and nothing that git did.
    hosts = () if command == "commit" else _HOSTS
    for pattern, text in (*_REPOSITORY, *hosts, *_FILES):
        match = re.search(pattern, words)
        if match:
            groups = [group for group in match.groups() if group is not None]
            own = "; ".join(filter(None, map(str.strip, words.splitlines())))
            return f"{text.format(*groups, folder=folder)} (git {command} in {folder}: {own})"
    if not words:
        return f"git {command} failed in {folder} without a word"
    return f"git {command} failed in {folder}: {words}"
