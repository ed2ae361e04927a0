"""What a password must be: long, and not one of those that everybody tries first."""

from __future__ import annotations

import secrets

MIN_LENGTH = 10
MAX_LENGTH = 200

# Checked when there is nobody of that name, so that both answers take the same time. It is written
# out, since to make one takes 32 MB and a tenth of a second in every process that starts.
NOBODYS_HASH = (
    "scrypt:32768:8:1$6lqWcSmY4b1yyNDN$7f8cf0e0b04e0ed3f8a5f0b2d1c5b7a0e4a4f7a8b0f8c7ce2f4b6d6d83a5c1e"
    "b4d6a3c8d7be0f2a1c9e4f5b6d7c8a9b0e1f2d3c4b5a69788796a5b4c3d2e1f00"
)

# The commonest of ten characters or more, here and abroad; shorter ones are refused by length.
_WORDS = """
0123456789 0987654321 1111111111 1122334455 1123581321 123123123123 1234512345 1234554321
12345678900 1234567890 12345678901 1234567890a 1234567890q 123456789a 123456789abc 123456789q
12345678910 123456abcd 123456asdf 1234abcd1234 123qwe123qwe 123qweasdzxc 147258369a 1472583690
1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc 1qaz@wsx3edc 5201314520 52013141314 7777777777 9876543210
987654321a a123456789 a1234567890 aa12345678 aa123456789 abc1234567 abc123456789 abc123abc123
abcd123456 abcd1234567 abcdefghij admin12345 admin123456 admin@1234 administrator asd123456789
asdf123456 asdfghjkl1 asdfghjkl123 baseball12 changeme12 changeme123 computer12 football12
helloworld iloveyou12 iloveyou520 iloveyou521 letmein1234 liverpool1 manchester miaomiao123
nihao123456 p@ssw0rd12 p@ssw0rd123 p@ssword123 passw0rd12 passw0rd123 password00 password01
password10 password11 password12 password123 password1234 password12345 password123456
password2024 password2025 password2026 password@123 qazwsx1234 qazwsxedc1 qazwsxedc123
qazwsxedcrfv q1w2e3r4t5 q1w2e3r4t5y6 qq123456789 qq1234567890 qwer123456 qwer12345678
qwert12345 qwerty1234 qwerty12345 qwerty123456 qwertyuiop qwertyuiop1 qwertyuiop123 root123456
sunshine12 superman12 test123456 test1234567 welcome123 welcome1234 woaini1314 woaini13145
woaini1314520 woaini520 woaini520520 woaiwojia123 woaiwojia1314 wodemima123 woshishui123
xiaoming123 zaq12wsx12 zxc123456789 zxcvbnm123 zxcvbnm1234 zxcvbnm123456 zxcvbnmasdf
kaquan12345 kaquan123456 kaquan2025 kaquan2026 kaquantong kaquantong123
"""
_COMMON = frozenset(_WORDS.split())
_FEWEST_DIFFERENT = 5
_LEGIBLE = "abcdefghjkmnpqrstuvwxyz23456789"  # Without what is misread on paper or aloud.


def is_common(password: str, *, username: str) -> bool:
    """Whether a guesser would come to it soon: a known one, the own name, few characters."""
    plain = password.lower()
    bare = plain.strip("!@#$%^&*.?_-~ ")
    return (
        plain in _COMMON
        or bare in _COMMON
        or len(set(plain)) < _FEWEST_DIFFERENT
        or (len(username) > 3 and username.lower() in plain and len(plain) - len(username) < 6)
    )


def new_password() -> str:
    """One to hand to somebody, who changes it at the first sign-in: ``k7mh-2pxd-9wqt``."""
    return "-".join("".join(secrets.choice(_LEGIBLE) for _ in range(4)) for _ in range(3))


def new_recovery_code() -> str:
    return "-".join("".join(secrets.choice(_LEGIBLE) for _ in range(5)) for _ in range(2))
