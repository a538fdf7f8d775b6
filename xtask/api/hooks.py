"""What schemathesis needs to know about the API's own formats of texts: which texts are addresses and hashes, and some of
accounts that are there."""

import json
import os

import schemathesis
from hypothesis import strategies as st

DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58(data: bytes) -> str:
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = DIGITS[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


there = json.loads(os.environ["OPENLEDGER_API_SAMPLES"])
some = st.binary(min_size=32, max_size=32)
schemathesis.openapi.format("address", st.sampled_from(there["address"]) | some.map(base58))
schemathesis.openapi.format("hash", st.sampled_from(there["hash"]) | some.map(bytes.hex))
