"""The one place that polls: nothing waits for a time, everything waits for a condition with a deadline."""
import time
from typing import Callable, TypeVar

Result = TypeVar("Result")


def wait_until(condition: Callable[[], Result], what: str, seconds: float = 10, interval: float = 0.01) -> Result:
    """The first true value of `condition`; a TimeoutError that says `what` was waited for after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(interval)
