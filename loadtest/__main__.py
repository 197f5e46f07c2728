"""`python -m loadtest`, and `chat-loadtest` where it is installed."""

import sys

#: What comes with the extra `loadtest` and not with the server.
_EXTRA = {"hdrh", "rich"}


def main() -> int:
    """Run the command, or say what is missing to run it."""
    try:
        from loadtest.cli import main as run
    except ModuleNotFoundError as exc:
        if exc.name not in _EXTRA:
            raise
        sys.stderr.write(
            f"chat-loadtest: {exc.name} is missing: pip install 'chat-cluster[loadtest]'.\n"
        )
        return 2
    return run()


if __name__ == "__main__":
    sys.exit(main())
