"""The till's arithmetic, run by Node and held against Python's."""

from __future__ import annotations

import hashlib
import json
import secrets
import subprocess
from pathlib import Path

from app.core import codes

MODULES = Path(__file__).resolve().parents[3] / "app" / "static" / "js" / "till"
DIGITS = "零一二三四五六七八九"


def run_module(source: str, given: object = None) -> str:
    """What a module prints that may import the till's; ``given`` is its standard input, as JSON."""
    return heard(start_module(source), given)


def start_module(source: str) -> subprocess.Popen[str]:
    """A module at work beside the test."""
    return subprocess.Popen(
        ["node", "--input-type=module", "--eval", source],
        cwd=MODULES, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def heard(module: subprocess.Popen[str], given: object = None) -> str:
    said, complained = module.communicate(json.dumps(given), timeout=300)
    assert module.returncode == 0, complained
    return said


def test_every_amount_up_to_99999_99_is_said_right():
    """All ten million, by a reference that is built the other way round: from the words' rules."""
    module = start_module(f"""
        import {{ createHash }} from "node:crypto";
        const {{ amountWords }} = await import("{MODULES.as_uri()}/amount_words.js");
        const sum = createHash("sha256");
        for (let whole = 0; whole < 100000; whole += 1) {{
          let said = "";
          for (let fen = whole * 100; fen < whole * 100 + 100; fen += 1) {{
            said += amountWords(fen) + ";";
          }}
          sum.update(said);
        }}
        console.log(sum.digest("hex"));
    """)
    reference = hashlib.sha256()
    for whole in range(100_000):
        words = _whole(whole) + "元" if whole else ""
        parts = [words + _cents(cents, after=bool(whole)) for cents in range(100)]
        if not whole:
            parts[0] = "零元"
        reference.update((";".join(parts) + ";").encode())
    assert heard(module).strip() == reference.hexdigest()


def test_the_amounts_that_people_know():
    known = {2850: "二十八元五角", 1000: "十元", 11005: "一百一十元零五分", 1000001: "一万元零一分"}
    known |= {5: "五分", 30: "三角", 1001000: "一万零一十元", 2000200: "二万零二元"}
    said = run_module(
        f"""
        const {{ amountWords }} = await import("{MODULES.as_uri()}/amount_words.js");
        const {{ readFileSync }} = await import("node:fs");
        console.log(JSON.stringify(JSON.parse(readFileSync(0)).map(amountWords)));
        """,
        list(known),
    )
    assert json.loads(said) == list(known.values())


def test_codes_are_judged_as_the_server_judges_them():
    good = [codes.make_code() for _ in range(300)]
    texts = [*good, *(codes.grouped(code).lower() for code in good[:50])]
    texts += [f"https://x.example/v/{code}" for code in good[:20]]
    for code in good:
        place = secrets.randbelow(16)
        texts.append(code[:place] + secrets.choice(codes.ALPHABET) + code[place + 1 :])
    texts += ["", "ABC", "U" * 16, "O0IL" * 4, good[0] + "0", good[1][:-1]]
    said = run_module(
        f"""
        const {{ judge }} = await import("{MODULES.as_uri()}/codes.js");
        const {{ readFileSync }} = await import("node:fs");
        const texts = JSON.parse(readFileSync(0));
        console.log(JSON.stringify(texts.map((text) => judge(text) === "good")));
        """,
        texts,
    )
    assert json.loads(said) == [_is_code(text) for text in texts]


def _is_code(text: str) -> bool:
    try:
        codes.normalise(text)
    except codes.CodeMistyped:
        return False
    return True


def _whole(number: int) -> str:
    """By figures from the left: each named with its place, gaps closed by one 零."""
    places = ["万", "千", "百", "十", ""]
    said = "".join(
        DIGITS[int(figure)] + place if figure != "0" else "零"
        for figure, place in zip(f"{number:05d}", places, strict=True)
    )
    while "零零" in said:
        said = said.replace("零零", "零")
    said = said.strip("零")
    return said[1:] if said.startswith("一十") else said


def _cents(cents: int, *, after: bool) -> str:
    jiao, fen = divmod(cents, 10)
    if jiao:
        return f"{DIGITS[jiao]}角" + (f"{DIGITS[fen]}分" if fen else "")
    if fen:
        return ("零" if after else "") + f"{DIGITS[fen]}分"
    return ""
