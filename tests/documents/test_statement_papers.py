"""A statement on paper: however long it is, each page says whose and which of how many."""

from __future__ import annotations

import io
import re

from app.documents.statement_papers import PaperRow, PaperWords, write_statement_paper
from tests.documents.papers import page_count, text_of


def test_a_long_statements_pages_are_numbered_and_its_sums_stand_with_the_signatures():
    rows = [
        PaperRow(f"第 {place} 家名字特别特别长的门店（市中心店）", "消费", "", "1", "1.00")
        for place in range(1, 76)
    ]
    sums = [PaperRow(f"合计 {place}", "", "", "", "75.00", is_sum=True) for place in "一二三四"]
    words = PaperWords(
        title="结算单", facts=[("编号", "S20311"), ("商户", "甲"), ("账期", "十月")],
        headings=("门店", "项目", "发卡方", "笔数", "金额"), sides=("平台", "甲"),
        signature="签字：", stamp="盖章：", day="日期：", in_words=("大写", "柒拾伍元整"),
        agreed="无误", page="第 {number} 页，共 {pages} 页",
    )  # fmt: skip
    for many in (0, 1, 24, 28, 29, 30, 31, 32, 33, 34, 35, 36, 68, 75):
        file = io.BytesIO()
        write_statement_paper(file, words=words, rows=rows[:many], sums=sums)
        document = file.getvalue()
        pages = [text_of(document, page) for page in range(page_count(document))]
        assert f"第 {len(pages)} 页，共 {len(pages)} 页" in pages[-1]
        assert all("S20311" in page for page in pages)
        assert all(one in pages[-1] for one in ("合计 一", "合计 四", "盖章：", "第 "))
        told = [line for page in pages for line in re.findall(r"第 (\d+) 家", page)]
        assert told == [str(place) for place in range(1, many + 1)]
