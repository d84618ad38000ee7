"""What kind of thing a short text is: a name, a date, a size, a menu word …

Nothing here decides anything alone: the kinds are weighed against each other when records are looked for.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

Kind = Literal[
    "name", "domain", "masked", "sentence", "question", "date", "timer", "size", "number", "price", "percent",
    "status", "place", "menu", "views", "address", "token", "file", "label", "none",
]  # fmt: skip

TITLE_KINDS: frozenset[str] = frozenset({"name", "domain", "masked"})
"""Kinds that a victim's name can be of."""

MENU = frozenset(
    """home|main|main page|index|news|blog|leaks|leak|leaked|contact|contacts|contact us|about|about us|faq|f.a.q|rules
    |login|log in|sign in|sign up|register|registration|search|archive|archives|mirrors|mirror|pgp|pgp key|press|affiliates
    |affiliate|how to buy|how to download|how to buy data|how to contact|terms|privacy|privacy policy|updates|next|previous
    |prev|first|last|back|read more|more|more info|more information|view|view more|view all|see more|see all|details|detail
    |show|show more|load more|open|download|downloads|download all|download data|visit site|visit|website|web site|site
    |menu|categories|category|tags|tag|all|all posts|chat|support|tor|telegram|tox|session|jabber|xmpp|twitter|partners
    |partner|donate|services|victims|companies|company|clients|targets|posts|post|recent posts|recent|latest|popular
    |statistics|stats|language|english|russian|русский|en|ru|zh|es|de|fr|pt|it|go|go back|close|copy|share|reply|comments
    |our team|team|press release|press releases|hello world|view more victims|view post|learn more|continue reading
    |full leak|full story|read|link|links|files|file|data|proof|proofs|screenshots|information|info|buy|chat with us
    |parent directory|name|size|last modified|description|date|country|status|private|market|forum|shop|cart|account|profile
    |tools|wiki|help|terms of service|jobs|careers|vacancies|bug bounty|warrant canary|canary|onion|tor browser|clearnet
    |главная|контакты|новости|о нас|поиск|архив|правила|войти|inicio|contacto|noticias|accueil|nouvelles|startseite
    |kontakt|über uns|首页|联系我们|关于我们|新闻""".replace("\n", "").split("|")
)  # fmt: skip
MENU_WORDS = frozenset(word.strip() for word in MENU)

STATUS = frozenset(
    """published|publish|waiting|wait|negotiation|negotiations|in negotiation|negotiating|sold|sold out|leaked|unleaked
    |disclosed|undisclosed|released|release|pending|coming soon|soon|active|inactive|in progress|progress|expired|available
    |new|new!|updated|update|upd|hot|evidence|auction|closed|open|done|exclusive|partial|partially|partially published
    |full|full data|complete|completed|countdown|timer|finished|ended|on sale|for sale|stopped|private|public|data published
    |fully published|not published|unpublished|removed|deleted|bought|reserved|awaiting|announced|delayed|extended|failed
    |refused|ongoing|running|live|locked|unlocked|encrypted|exfiltrated|leak soon|top|pinned|vip|verified
    |опубликовано|ожидание|продано|veröffentlicht|publicado|publié""".replace("\n", "").split("|")
)
STATUS_WORDS = frozenset(word.strip() for word in STATUS)

STATUS_CLASSES = frozenset(
    """active inactive leaked unleaked published unpublished waiting negotiation sold disclosed released pending soon coming
    progress expired available new updated hot closed open done exclusive finished ended bad good success danger warning
    info primary secondary default timer off on old free paid locked unlocked odd even first last show collapsed
    selected current today""".split()
)
"""Class names that say how an entry stands, or where: they change without it becoming another one."""

PLACES = frozenset(
    word.strip()
    for word in """afghanistan|albania|algeria|andorra|angola|argentina|armenia|australia|austria|azerbaijan|bahamas|bahrain
    |bangladesh|barbados|belarus|belgium|belize|benin|bhutan|bolivia|bosnia|bosnia and herzegovina|botswana|brazil|brasil
    |brunei|bulgaria|burkina faso|burundi|cambodia|cameroon|canada|cape verde|chad|chile|china|colombia|comoros|congo
    |costa rica|croatia|cuba|cyprus|czechia|czech republic|denmark|djibouti|dominica|dominican republic|ecuador|egypt
    |el salvador|eritrea|estonia|eswatini|ethiopia|fiji|finland|france|gabon|gambia|georgia|germany|ghana|greece|grenada
    |guatemala|guinea|guyana|haiti|honduras|hong kong|hungary|iceland|india|indonesia|iran|iraq|ireland|israel|italy
    |ivory coast|jamaica|japan|jordan|kazakhstan|kenya|kosovo|kuwait|kyrgyzstan|laos|latvia|lebanon|lesotho|liberia|libya
    |liechtenstein|lithuania|luxembourg|macau|madagascar|malawi|malaysia|maldives|mali|malta|mauritania|mauritius|mexico
    |moldova|monaco|mongolia|montenegro|morocco|mozambique|myanmar|namibia|nepal|netherlands|the netherlands|new zealand
    |nicaragua|niger|nigeria|north macedonia|norway|oman|pakistan|palestine|panama|papua new guinea|paraguay|peru
    |philippines|poland|portugal|puerto rico|qatar|romania|russia|rwanda|san marino|saudi arabia|senegal|serbia|seychelles
    |sierra leone|singapore|slovakia|slovenia|somalia|south africa|south korea|korea|south sudan|spain|sri lanka|sudan
    |suriname|sweden|switzerland|syria|taiwan|tajikistan|tanzania|thailand|togo|trinidad and tobago|tunisia|turkey|türkiye
    |turkmenistan|uganda|ukraine|united arab emirates|united kingdom|great britain|england|scotland|wales|united states
    |united states of america|uruguay|uzbekistan|vanuatu|venezuela|vietnam|viet nam|yemen|zambia|zimbabwe|us|usa|u.s.|u.s.a
    |uk|u.k|uae|eu|europe|asia|africa|north america|south america|latin america|worldwide|global|international""".split("|")
)  # fmt: skip

# words that name a part of a page or a field: in class names, ids, data attributes, keys and labels
TITLE_HINTS = frozenset(
    """title name company victim target organization organisation org heading headline header head client customer
    companyname victimname orgname brand entity subject caption domain website hostname host titulo nombre empresa victime
    nom entreprise firma opfer kunde""".split()
)
STRONG_TITLE_HINTS = frozenset(
    "title name company victim target organization organisation headline companyname victimname entity empresa".split()
)
FIELD_HINTS: dict[str, str] = {
    **dict.fromkeys("desc description descr text content excerpt except summary body about info overview dsc note sum".split(), "description"),
    **dict.fromkeys("status state stage badge label ribbon flag pill progress".split(), "status"),
    **dict.fromkeys("date time published created posted publish added updated dt datetime day pubdate at".split(), "date"),
    **dict.fromkeys("deadline timer countdown left remaining expire expires expiration eta due until".split(), "deadline"),
    **dict.fromkeys("size volume amount leaksize datasize".split(), "size"),
    **dict.fromkeys("views view visits reads hits pv counter seen visitors".split(), "views"),
    **dict.fromkeys("site website url domain web www homepage host".split(), "domain"),
    **dict.fromkeys("country location geo region place nation".split(), "country"),
    **dict.fromkeys("sector industry activity category business".split(), "sector"),
    **dict.fromkeys("revenue income turnover".split(), "revenue"),
    **dict.fromkeys("price cost ransom".split(), "price"),
    **dict.fromkeys("employees staff".split(), "employees"),
}  # fmt: skip
NOT_TITLE_HINTS = frozenset(FIELD_HINTS) - {
    "site",
    "website",
    "url",
    "domain",
    "web",
    "host",
    "text",
    "label",
    "at",
    "content",
    "body",
}

_ASIDE = {
    **dict.fromkeys(
        """nav navbar navigation navi menu footer sidebar sidenav widget recent mirror mirrors contact contacts faq rules
        rule stats stat statistics langs lang language languages ads ad advert adverts banner breadcrumb breadcrumbs social
        socials cats categories category tags related comment comments pagination pager pages popular latest links partners
        sponsors copyright legal cookie topbar toolbar share pgp counter counters submenu dropdown tabs tablist offcanvas
        carousel slider slide slides swiper featured trending viewed top topnav""".split(), 1.5,
    ),
    **dict.fromkeys("brand logo masthead jumbotron hero".split(), 1.0),
    **dict.fromkeys("header aside news search form login announcement announcements modal support chat team help".split(), 0.5),
}  # fmt: skip

_INSIDE_ASIDE = frozenset(
    "nav navbar navigation menu footer pagination pager share social comments breadcrumb tags mirrors contacts".split()
)
"""Words that say so inside a record, too."""

_SPLIT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])")


@lru_cache(maxsize=20_000)
def words_in(identifier: str) -> frozenset[str]:
    """The words of a class name, id or key: ``card-titleBlock`` → card, title, block."""
    return frozenset(word.lower() for word in _SPLIT.split(identifier[:200]) if word)


@lru_cache(maxsize=20_000)
def aside_weight(identifier: str) -> float:
    """How much a class name, id or tag says that what is inside is not the main content; 0 = nothing."""
    return max((_ASIDE.get(word, 0.0) for word in words_in(identifier)), default=0.0)


_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|янв|фев|мар|апр|ма|июн|июл|авг|сен|окт|ноя|дек)\w*"
_DATE = re.compile(
    rf"""(?:\w+\s+){{0,3}}?(?:(?:mon|tue|wed|thu|fri|sat|sun)\w*,?\s+)?(?:
    \d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}} | \d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}
    | \d{{1,2}}(?:st|nd|rd|th)?[\s.-]+{_MONTH},?[\s.-]+\d{{2,4}} | {_MONTH}\.?\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{4}})?
    | \d{{1,2}}\s+{_MONTH} | \d{{4}}年\d{{1,2}}月\d{{1,2}}日 | {_MONTH}\s+\d{{4}}
    )(?:[T\s,]+(?:at\s+)?\d{{1,2}}:\d\d(?::\d\d)?(?:\.\d+)?\s*(?:[ap]m|z|utc|gmt|[+-]\d\d:?\d\d)*)?\s*\.?""",
    re.I | re.X,
)
_AGO = re.compile(
    r"(?:(?:about|over|almost)\s+)?(?:an?|\d+)\s*(?:s|sec|second|m|min|minute|h|hour|d|day|w|week|mo|month|y|year)s?\s+ago"
    r"|today|yesterday|just now|now|last (?:week|month|year)|recently",
    re.I,
)
_TIMER = re.compile(
    r"(?:\d+\s*(?:d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?|дн\w*|час\w*|мин\w*)\b[\s:,.]*(?:and\s+)?)+(?:left|remaining|before publication)?"
    r"|\d{1,3}(?::\d\d){1,3}|(?:0|00|--)(?:\s*:\s*(?:0|00|--)){1,3}|time(?:'s)? (?:is )?(?:left|up|over|out).{0,30}",
    re.I,
)
_SIZE = re.compile(
    r"[~≈><+-]*\s*\d+(?:[.,\s]\d+)*\s*(?:[kmgtp]i?b|[kmgt]b(?:ytes?)?|bytes?|[гмкт]б|gigs?)\b\.?(?:\s+(?:of\s+)?\w+){0,2}",
    re.I,
)
_PRICE = re.compile(
    r"(?:[$€£¥₽]|usd|eur|btc|xmr)\s*[~]?\d[\d\s.,]*\s*(?:[kmbt]|mln|million|billion|thousand)?\+?|\d[\d\s.,]*\s*(?:[kmb]|mln|million|billion)?\s*(?:[$€£¥₽]|usd|eur|btc|xmr)",
    re.I,
)
_NUMBER = re.compile(r"[#№~+-]?\d[\d\s.,]*[kmb+]?")
_PERCENT = re.compile(r"(?:\w+\s+){0,2}\d+(?:[.,]\d+)?\s*%(?:\s+\w+){0,2}")
_VIEWS = re.compile(
    r"(?:total\s+)?(?:views?|visits?|reads?|hits?|просмотр\w*|visitors?)\s*:?\s*\d[\d\s.,]*k?|\d[\d\s.,]*k?\s*(?:views?|visits?|reads?|hits?|просмотр\w*|visitors?|times)",
    re.I,
)
_DOMAIN = re.compile(r"(?:https?://)?(?:[\w*?•█#-]+\.)+[a-z*?•]{2,18}\.?(?::\d+)?(?:/\S*)?", re.I)
_ONION = re.compile(r"(?:https?://)?[a-z2-7]{16}(?:[a-z2-7]{40})?(?:\.onion\S*)?", re.I)
_ADDRESS = re.compile(r"\S+@\S+\.\S+|(?:https?|ftp|magnet|tox|mailto):\S*|[A-F0-9]{40,}|05[0-9a-f]{60,}", re.I)
_TOKEN = re.compile(r"(?=[^\s]*\d)[A-Za-z0-9_\-+/=]{20,}|-----BEGIN.*|[0-9a-f]{8}-[0-9a-f]{4}-.*", re.S)
_FILE = re.compile(
    r"\S*\w\.(?:zip|7z|rar|tar|t?gz|bz2|xz|iso|torrent|pdf|docx?|xlsx?|pptx?|csv|sql|bak|jpe?g|png|gif|mp4|exe|txt|asc|\d{3})",
    re.I,
)
_MASKED = re.compile(r"\*{2,}|\?{3,}|•{2,}|█{2,}|#{3,}|x{4,}|…\w", re.I)
_LABEL = re.compile(r"([^\W\d_][\w /.&'-]{0,28}?)\s*[:：]\s+(\S.*)|([^\W\d_][\w ]{0,18}?)[:：](\S.*)", re.S)
_TRIM = " \t.:;,!·•|*+#-–—→←»«›‹>…\u00a0"


def is_aside_inside(word: str) -> bool:
    """Whether a word of a class name inside a record says that a title is not there."""
    return word in _INSIDE_ASIDE


_COMPANY = re.compile(
    r"\b(?:inc|ltd|llc|llp|plc|corp|co|company|gmbh|ag|kg|ohg|mbh|e\.?v|s\.?a|s\.?a\.?s|sarl|s\.?r\.?l|s\.?p\.?a|s\.?l|s/a|ltda|lda|b\.?v"
    r"|n\.?v|a/s|aps|ab|oy|oyj|as|asa|sp\.? z o\.?o|s\.?r\.?o|a\.?s|kft|zrt|d\.?o\.?o|pty|pte|bhd|sdn|pvt|jsc|ojsc|kk|group|groupe|grupo"
    r"|gruppe|holdings?|industr\w+|international|solutions|systems|services|technolog\w+|tech|logistics|transport\w*|hospital"
    r"|clini\w+|klinik\w*|medical|health\w*|dental|pharma\w*|universit\w+|college|school|district|academy|county|city of|town of"
    r"|municipal\w*|government|ministry|department|bank|insurance|brokers|law|legal|advocates|attorneys|associates|partners|& sons"
    r"|brothers|construct\w+|engineering|manufactur\w+|steel|energy|electric|foods?|farms?|motors?|automotive|airlines|hotels?|resort"
    r"|realty|properties|plastics|textiles|telecom|media|consult\w+|accounting|foundation|church|museum|council|consorzio|estudio"
    r"|studio|cabinet|mairie|prefeitura|constru\w+|bodegas|meccanica|ceramiche|werkzeugbau|stadtwerke|maschinenbau)\b\.?"
    r"|株式会社|有限公司|集团|病院|工業|製作所|銀行|大学|завод|ооо|зао|оао|больница|университет|банк",
    re.I,
)


@lru_cache(maxsize=50_000)
def is_company(text: str) -> bool:
    """Whether a text has a word that companies and institutions call themselves by."""
    return _COMPANY.search(text) is not None


def label_of(text: str) -> tuple[str, str]:
    """``Country: Spain`` → ("country", "Spain"); without a label ("", text)."""
    match = _LABEL.fullmatch(text[:400])
    if match is None or text[:8].lower().startswith(("http:", "https:", "magnet:", "mailto:", "tox:")):
        return "", text
    label, value = (match[1], match[2]) if match[1] else (match[3], match[4])
    return (label.strip().lower(), value.strip()) if len(label.split()) <= 3 else ("", text)


@lru_cache(maxsize=50_000)
def kind_of(text: str) -> Kind:
    """The kind of a text whose white space is folded."""
    if len(text) > 200:
        return "sentence"
    label, value = label_of(text)
    if label and value != text:
        return _plain_kind(value) if value else "label"
    if text.endswith((":", "：")):
        return "label"
    return _plain_kind(text)


_NUMERIC = (
    ("date", _DATE), ("timer", _TIMER), ("size", _SIZE), ("number", _NUMBER), ("price", _PRICE), ("percent", _PERCENT),
    ("views", _VIEWS),
)  # fmt: skip


def _plain_kind(text: str) -> Kind:
    bare = text.casefold().strip(_TRIM)
    if not any(map(str.isalnum, bare)):
        return "masked" if _MASKED.search(text) else "none"
    masked = _MASKED.search(text) is not None
    if masked and " " not in text and not _ONION.fullmatch(text):
        return "domain" if _DOMAIN.fullmatch(text) else "masked"
    if bare in STATUS_WORDS or bare.strip("[](){} ") in STATUS_WORDS:
        return "status"
    if bare in MENU_WORDS or bare.strip("[](){}?! ") in MENU_WORDS:
        return "menu"
    if bare in PLACES:
        return "place"
    if any(map(str.isdigit, bare)):
        for kind, pattern in _NUMERIC:
            if pattern.fullmatch(text):
                return kind  # type: ignore[return-value]  # the table's keys are Kinds
    if _AGO.fullmatch(bare):
        return "date"
    return _wordy_kind(text, bare)


def _wordy_kind(text: str, bare: str) -> Kind:
    words = text.split()
    if len(words) == 1:
        if _ONION.fullmatch(text) or ".onion" in bare:
            return "address"
        if _FILE.fullmatch(text):
            return "file"
        if _DOMAIN.fullmatch(text):
            return "domain"
        if _ADDRESS.fullmatch(text) or _TOKEN.fullmatch(text):
            return "token"
        if len(text) > 40 and text.isascii():
            return "token"
        if not text.isascii() and len(text) > 45:
            return "sentence"
    if text.startswith("-----BEGIN"):
        return "token"
    if text.endswith(("?", "？")) and not _MASKED.search(text):
        return "question"
    if len(words) > 2:
        lower = sum(1 for word in words if word[0].islower())
        if len(words) == 3 and lower == 2 and text[-1] in ".!。" and words[-1][0].islower():
            return "sentence"
        if len(words) > 16 or (lower >= 0.55 * len(words) and (text[-1] in ".!。" or len(words) > 9)):
            return "sentence"
        if ". " in text and text[-1] in ".!" and len(words) > 6:
            return "sentence"
    if _MASKED.search(text):
        return "masked"
    return "name" if sum(map(str.isalpha, bare)) >= 2 else "number"
