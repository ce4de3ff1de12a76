"""Errors a user can cause and mend."""


class UserError(ValueError):
    """A mistake in flags, recipe or data: one line, printed without a traceback.

    The message says what is wrong, where, the value, and the remedy. Commands
    end with exit code 2.
    """


class WorkError(RuntimeError):
    """The request was sound but the work failed, such as a refused export.

    Commands print the message and end with exit code 1.
    """
