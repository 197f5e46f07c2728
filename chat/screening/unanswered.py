"""Why there is no verdict of the hook."""


class AwayError(Exception):
    """The hook gave no verdict: it is away, or too slow."""


class UnusableError(AwayError):
    """The hook answered, with what is no verdict.

    It may be that one message that it cannot cope with: nothing is concluded about others.
    """
