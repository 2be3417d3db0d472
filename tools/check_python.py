"""Says why this Python cannot be used, or nothing. Written so that an old Python can still read and run it."""

import os
import sys


def troubles():
    # 3.11 is the oldest that the product is tested with.
    if sys.version_info < (3, 11):
        return ["it is Python %d.%d and 3.11 or newer is needed" % sys.version_info[:2]]
    found = []
    try:
        import ensurepip
        import venv

        # Debian keeps the bundled pip in a package of its own; the module alone is not enough.
        if not ensurepip.version():
            raise ImportError
        del venv
    except (ImportError, OSError):
        found.append(
            "it cannot make virtual environments (Debian, Ubuntu: apt install python%d.%d-venv)"
            % sys.version_info[:2]
        )
    try:
        import sqlite3
    except ImportError:
        found.append(
            "it was built without SQLite (build it again with the SQLite headers, or take your system's)"
        )
        return found
    if sqlite3.sqlite_version_info < (3, 35):
        found.append("its SQLite is %s and 3.35 or newer is needed" % sqlite3.sqlite_version)
    try:
        sqlite3.connect(":memory:").execute("CREATE VIRTUAL TABLE probe USING fts5(words)")
    except sqlite3.Error:
        found.append("its SQLite lacks FTS5, the full-text search (take a newer Python, or your system's)")
    return found


def main():
    found = troubles()
    if found:
        sys.stderr.write("%s cannot be used: %s.\n" % (os.path.abspath(sys.executable), "; ".join(found)))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
