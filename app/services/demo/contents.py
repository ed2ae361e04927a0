"""What the demo's site shows: goods, solutions, articles, banners, and the pages that laws ask for.

Only the words stand here, with a name for each picture; the flow that seeds them draws those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.models.contents import ContentKind
from app.services.demo.content_pages import ABOUT, PRIVACY, TERMS

Row = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class DemoContent:
    """``owner`` is a merchant's code, none the platform; ``picture`` is its caption and hue."""

    kind: ContentKind
    title: str
    summary: str
    body_html: str = ""
    owner: str | None = None
    category: str = ""
    price_fen: int | None = None
    link_url: str = ""
    slug: str | None = None
    store_code: str | None = None
    sort: int = 100
    picture: tuple[str, int] | None = None


def _goods(owner: str, category: str, title: str, price_fen: int, summary: str, hue: int,
           points: Sequence[str]) -> DemoContent:  # fmt: skip
    items = "".join(f"<li>{point}</li>" for point in points)
    return DemoContent(
        kind=ContentKind.goods,
        owner=owner,
        category=category,
        title=title,
        price_fen=price_fen,
        summary=summary,
        body_html=f"<h2>商品说明</h2><p>{summary}</p><ul>{items}</ul>"
        "<h2>怎么购买</h2><p>到店出示储值卡付款码，或用纸质券核销；余额不足的部分可用微信支付补足。</p>",
        picture=(title[:4], hue),
    )


def _article(category: str, title: str, summary: str, body: str, hue: int) -> DemoContent:
    return DemoContent(
        kind=ContentKind.article,
        category=category,
        title=title,
        summary=summary,
        body_html=body,
        picture=(category, hue),
    )


def _table(head: Row, rows: Sequence[Row]) -> str:
    lines = "".join(f"<tr><td>{left}</td><td>{right}</td></tr>" for left, right in rows)
    return f"<table><tbody><tr><th>{head[0]}</th><th>{head[1]}</th></tr>{lines}</tbody></table>"


_GOODS = (
    _goods("merchant1", "面食", "招牌牛肉面", 28_00, "每天四点起炖的牛骨汤，手工拉面，大块牛腩。", 18,
           ["大份加面不加价", "可选微辣、中辣、特辣", "午市供应到 14:30"]),
    _goods("merchant1", "面食", "担担面", 16_00, "老成都的味道：芽菜、花生碎和现炒肉臊。", 34,
           ["二两起", "可做素臊", "外带另配汤"]),
    _goods("merchant1", "小吃", "红油抄手（十只）", 18_00, "现包现煮，皮薄馅大，红油每日熬制。", 6,
           ["鲜肉、虾仁两种馅", "可要清汤"]),
    _goods("merchant2", "礼盒", "端午粽子礼盒", 98_00, "四种口味共十只，冷藏可放十五天。", 140,
           ["鲜肉、蛋黄、豆沙、蜜枣", "附保温袋", "企业团购可开发票"]),
    _goods("merchant2", "生鲜", "当季水果篮", 128_00, "当天到店的水果现装，约五斤。", 92,
           ["按季节搭配", "可附手写卡片", "需提前两小时预订"]),
    _goods("merchant2", "粮油", "五常大米 5 千克", 79_90, "当年新米，真空包装。", 50,
           ["产地直供", "满两袋可请店员送到车上"]),
)  # fmt: skip

_SOLUTIONS = tuple(
    DemoContent(
        kind=ContentKind.solution,
        category=category,
        title=title,
        summary=summary,
        body_html=body,
        picture=(category, hue),
    )
    for category, title, summary, body, hue in (
        ("企业福利", "员工福利储值卡", "一张卡在多家门店通用，按人发放，按月对账。",
         "<h2>适合谁</h2><p>每逢节日为员工发福利的企业和工会。</p><h2>怎么做</h2><ol><li>确定人数和金额</li>"
         "<li>提供手机号名单，由平台逐人充值</li><li>员工在微信里领卡，到店付款</li></ol>"
         + _table(("人数", "服务"), (("50 人以内", "线上开通"), ("50 人以上", "专人对接，统一开票"))), 168),
        ("商户发卡", "门店自己的储值卡", "充多少送多少由商户定，本金和赠送金分开记账。",
         "<h2>能做什么</h2><ul><li>设置充值赠送档位</li><li>会员扫店内收款码付款</li><li>每日自动结算，账目逐笔可查</li></ul>", 200),
        ("纸质券", "节日礼券", "从设计、印制到核销，一券一码，只能核销一次。",
         "<h2>流程</h2><p>制券、复核、生成、印制、激活、核销，每一步都有记录；遗失的券可按号段冻结。</p>", 24),
        ("园区", "园区食堂与商超一卡通", "食堂、超市、咖啡同一张卡，餐补按月发放。",
         "<h2>怎么开始</h2><p>园区管理方开一种卡产品，选择受理的商户；补贴按名单充值，到期规则写明在卡上。</p>", 260),
    )
)  # fmt: skip

_ARTICLES = (
    _article("使用指南", "第一次用储值卡付款", "打开微信、扫一扫、输金额，三步完成。",
             "<ol><li>用微信扫柜台上的收款码</li><li>输入店员说的金额</li><li>确认：卡里的钱先付，不够的由微信支付补足</li></ol>"
             "<p>付款后，店里的屏幕会亮起并播报。</p>", 170),
    _article("使用指南", "纸质券怎么用", "刮开涂层，把券给店员扫一下即可。",
             "<p>每张券只能核销一次。如果提示<strong>已核销</strong>，店员能看到核销的时间和门店。</p>"
             + _table(("情况", "怎么办"), (("券面破损", "到门店换券"), ("券码输错", "系统会提示，请重新输入"))), 30),
    _article("使用指南", "把卡里的钱送给朋友", "发一个链接，对方领取后就到了他的卡上。",
             "<p>在小程序里选“赠送”，填金额和祝福语，发给朋友。超过时限没人领，钱会自动回到你的卡里。</p>", 330),
    _article("新闻", "春熙路店重新开业", "老街面馆春熙路店翻新后恢复营业，营业时间延长到 22:00。",
             "<p>新店增加了 40 个座位和一个取餐窗口。开业一周内，用储值卡付款另送小菜一份。</p>", 12),
    _article("新闻", "春风超市上线电子储值卡", "三家门店同时支持储值卡和纸质券。",
             "<p>会员在收银台出示付款码即可付款；大额礼券请提前一天与门店联系。</p>", 110),
    _article("安全", "谨防代充值骗局", "平台不会通过电话索要券码或验证码。",
             "<blockquote>券码只在付款或充值时使用，不要拍照发给任何人。</blockquote><p>发现可疑情况，请联系门店或平台客服。</p>", 0),
)  # fmt: skip

_STORE_PAGES = (
    DemoContent(
        kind=ContentKind.store, owner="merchant1", store_code="chunxi",
        title="老街面馆（春熙路店）", summary="地铁春熙路站 C 口步行三分钟。",
        body_html="<p>两层共 96 个座位，二楼有包间。地铁春熙路站 C 口步行三分钟，停车可用旁边商场车库。</p>",
        picture=("春熙路", 20),
    ),
    DemoContent(
        kind=ContentKind.store, owner="merchant2", store_code="tianfu",
        title="春风超市（天府广场店）", summary="地下一层，手扶电梯直达。",
        body_html="<p>生鲜每天早上七点到货。礼券和水果篮在服务台办理。</p>",
        picture=("天府广场", 120),
    ),
)  # fmt: skip

_BANNERS = (
    DemoContent(kind=ContentKind.banner, title="充 300 送 60", summary="通用储值卡，六家门店都能用",
                link_url="/solutions/", sort=1, picture=("", 165)),
    DemoContent(kind=ContentKind.banner, title="端午礼盒开订", summary="用储值卡或纸质券到店提货",
                link_url="/goods/", sort=2, picture=("", 145)),
)  # fmt: skip

_PAGES = (
    DemoContent(kind=ContentKind.page, slug="privacy", title="隐私政策",
                summary="我们收集什么、为什么、保存多久，以及你的权利。", body_html=PRIVACY),
    DemoContent(kind=ContentKind.page, slug="terms", title="用户协议",
                summary="储值卡与纸质券的使用规则。", body_html=TERMS),
    DemoContent(kind=ContentKind.page, slug="about", title="关于我们",
                summary="卡券通为门店提供储值卡与纸质券服务。", body_html=ABOUT),
)  # fmt: skip

DEMO_CONTENTS: Sequence[DemoContent] = (
    *(*_PAGES, *_BANNERS, *_STORE_PAGES),
    *(*_GOODS[::-1], *_SOLUTIONS[::-1], *_ARTICLES[::-1]),
)
