"""Waiting for an event, with a deadline."""

import select
import time

POLL_SECONDS = 0.02


class DeadlinePassed(AssertionError):
    pass


def pause(seconds, readable=()):
    """Returns after `seconds`, or as soon as one of `readable` (descriptors) has something."""
    select.select(list(readable), [], [], seconds)


def wait_until(event, what, seconds=10.0, alive=None):
    """Returns the first true value of `event()`. `alive()` says why there is no point in waiting
    any longer, or nothing. Raises DeadlinePassed naming `what`."""
    deadline = time.monotonic() + seconds
    while True:
        value = event()
        if value:
            return value
        reason = alive() if alive else None
        if reason:
            raise DeadlinePassed(f"waiting for {what}: {reason}")
        if time.monotonic() > deadline:
            raise DeadlinePassed(f"waited {seconds} s for {what}")
        pause(POLL_SECONDS)
