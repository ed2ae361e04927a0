"""The baseline of what WeChat has a part in: the RSA of both sides and nothing else, on all cores.

A combined payment is signed three times (our request, WeChat's answer, the payer's sheet) and
checked twice (our request there, the answer here).
"""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

NAME = "its signatures alone"
_MESSAGE = b"x" * 600  # About as long as a request with its body.


def signatures_a_second(*, seconds: float, processes: int) -> float:
    """Payments a second whose signatures so many processes make and check."""
    with ProcessPoolExecutor(processes) as pool:
        return sum(pool.map(_sign_for, [seconds] * processes))


def _sign_for(seconds: float) -> float:
    ours, theirs = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    here, there = ours.public_key(), theirs.public_key()
    rules = (PKCS1v15(), SHA256())
    began, payments = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        here.verify(ours.sign(_MESSAGE, *rules), _MESSAGE, *rules)
        there.verify(theirs.sign(_MESSAGE, *rules), _MESSAGE, *rules)
        ours.sign(_MESSAGE, *rules)
        payments += 1
    return payments / (time.perf_counter() - began)
