"""Words by which parts of pages, fields and short texts are known. Data, and nothing else.

They are weighed, never obeyed: a victim may be called Home Search Ltd, and a list of victims may stand in a menu.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


def _barred(text: str) -> frozenset[str]:
    return frozenset(" ".join(word.split()) for word in text.split("|") if word.strip())


def _spaced(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _inverted(table: Mapping[T, str]) -> dict[str, T]:
    return {word: value for value, words in table.items() for word in words.split()}


COMPANY_WORDS = (
    "inc", "ltd", "llc", "llp", "plc", "corp", "co", "company", "gmbh", "ag", "kg", "ohg", "mbh", r"e\.?v",
    r"s\.?a", r"s\.?a\.?s", "sarl", r"s\.?r\.?l", r"s\.?p\.?a", r"s\.?l", "s/a", "ltda", "lda", r"b\.?v", r"n\.?v",
    "a/s", "aps", "ab", "oy", "oyj", "as", "asa", r"sp\.? z o\.?o", r"s\.?r\.?o", r"a\.?s", "kft", "zrt",
    r"d\.?o\.?o", "pty", "pte", "bhd", "sdn", "pvt", "jsc", "ojsc", "kk", "group", "groupe", "grupo", "gruppe",
    "holdings?", r"industr\w+", "international", "solutions", "systems", "services", r"technolog\w+", "tech",
    "logistics", r"transport\w*", "hospital", r"clini\w+", r"klinik\w*", "medical", r"health\w*", "dental",
    r"pharma\w*", r"universit\w+", "college", "school", "district", "academy", "county", "city of", "town of",
    r"municipal\w*", "government", "ministry", "department", "bank", "insurance", "brokers", "law", "legal",
    "advocates", "attorneys", "associates", "partners", "& sons", "brothers", r"construct\w+", "engineering",
    r"manufactur\w+", "steel", "energy", "electric", "foods?", "farms?", "motors?", "automotive", "airlines",
    "hotels?", "resort", "realty", "properties", "plastics", "textiles", "telecom", "media", r"consult\w+",
    "accounting", "foundation", "church", "museum", "council", "consorzio", "estudio", "studio", "cabinet",
    "mairie", "prefeitura", r"constru\w+", "bodegas", "meccanica", "ceramiche", "werkzeugbau", "stadtwerke",
    "maschinenbau",
)  # fmt: skip
"""Words that companies and institutions call themselves by: regexes, between word boundaries."""

COMPANY_MARKS = (
    "株式会社", "有限公司", "集团", "病院", "工業", "製作所", "銀行", "大学", "завод", "ооо", "зао", "оао", "больница",
    "университет", "банк",
)  # fmt: skip
"""The same in scripts that part no words."""

ABBREVIATIONS = _spaced(
    "inc. ltd. co. corp. llc. plc. bros. s.a. s.l. s.r.l. s.p.a. p.c. a.s. a.ş. şti. e.v. b.v. n.v."
)
"""How names of companies end with a dot that ends no sentence."""

MENU_WORDS = _barred(
    """about|about us|account|accueil|affiliate|affiliates|all|all posts|archive|archives|back|blog|
    bug bounty|buy|canary|careers|cart|categories|category|chat|chat with us|clearnet|clients|close|
    comments|companies|company|contact|contact us|contacto|contacts|continue reading|copy|country|
    data|date|de|description|detail|details|donate|download|download all|download data|downloads|en|
    english|es|f.a.q|faq|file|files|first|forum|fr|full leak|full story|go|go back|hello world|
    help|home|how to buy|how to buy data|how to contact|how to download|index|info|information|inicio|
    it|jabber|jobs|kontakt|language|last|last modified|latest|leak|leaked|leaks|learn more|link|
    links|load more|log in|login|main|main page|market|menu|mirror|mirrors|more|more info|
    more information|name|news|next|noticias|nouvelles|onion|open|our team|parent directory|partner|
    partners|pgp|pgp key|popular|post|posts|press|press release|press releases|prev|previous|privacy|
    privacy policy|private|profile|proof|proofs|pt|read|read more|recent|recent posts|register|
    registration|reply|ru|rules|russian|screenshots|search|see all|see more|services|session|share|
    shop|show|show more|sign in|sign up|site|size|startseite|statistics|stats|status|support|tag|
    tags|targets|team|telegram|terms|terms of service|tools|tor|tor browser|tox|twitter|updates|
    vacancies|victims|view|view all|view more|view more victims|view post|visit|visit site|
    warrant canary|web site|website|wiki|xmpp|zh|
    archiv|firma|häufige fragen|land|mehr|neuigkeiten|regeln|spiegel|suche|unternehmen|weiterlesen|über uns|
    acerca de|archivo|buscar|empresa|empresas|espejos|leer más|normas|preguntas frecuentes|país|reglas|ver más|
    ana sayfa|aynalar|ara|arşiv|devamını oku|hakkımızda|haberler|iletişim|kurallar|sık sorulanlar|şirket|şirketler|ülke|
    архив|войти|вопросы и ответы|главная|зеркала|компании|компания|контакты|новости|
    о нас|подробнее|поиск|правила|русский|страна|читать далее|关于我们|常见问题|存档|公司|国家|规则|镜像|搜索|新闻|
    更多|查看详情|联系我们|联系方式|首页|اتصل بنا|اقرأ المزيد|الأخبار|الأرشيف|البلد|
    الرئيسية|الشركة|القواعد|المرايا|أسئلة شائعة|بحث|من نحن"""
)
"""What stands in menus and on buttons, folded."""

STATUS_WORDS = _barred(
    """active|announced|auction|available|awaiting|bought|closed|coming soon|complete|completed|
    countdown|data published|delayed|deleted|disclosed|done|encrypted|ended|evidence|exclusive|
    exfiltrated|expired|extended|failed|finished|for sale|full|full data|fully published|hot|
    in negotiation|in progress|inactive|leak soon|leaked|live|locked|negotiating|negotiation|
    negotiations|new|new!|not published|on sale|ongoing|open|paid|partial|partially|partially published|
    pending|pinned|private|progress|public|publicado|publish|published|publié|refused|release|
    released|removed|reserved|running|sold|sold out|soon|stopped|timer|top|undisclosed|unleaked|
    unlocked|unpublished|upd|update|updated|verified|vip|wait|waiting|
    bezahlt|geleakt|verkauft|veröffentlicht|wartet|bekliyor|satıldı|yayınlandı|en espera|filtrado|vendido|
    ожидание|оплачено|опубликовано|продано|已公布|已发布|已出售|等待中|谈判中|قيد الانتظار|مباع|منشور"""
)
"""How an entry stands, as sites put it, folded."""

STATUS_CLASSES = _spaced(
    """active available bad closed collapsed coming current danger default disclosed done ended even exclusive
    expired finished first free good hot inactive info last leaked locked negotiation new odd off old on open
    paid pending primary progress published released secondary selected show sold soon success timer today
    unleaked unlocked unpublished updated waiting warning"""
)
"""Class names that say how an entry stands, or where: they change without it becoming another one."""

PLACES = _barred(
    """afghanistan|africa|albania|algeria|andorra|angola|argentina|armenia|asia|australia|austria|
    azerbaijan|bahamas|bahrain|bangladesh|barbados|belarus|belgium|belize|benin|bhutan|bolivia|
    bosnia|bosnia and herzegovina|botswana|brasil|brazil|brunei|bulgaria|burkina faso|burundi|cambodia|
    cameroon|canada|cape verde|chad|chile|china|colombia|comoros|congo|costa rica|croatia|cuba|
    cyprus|czech republic|czechia|denmark|djibouti|dominica|dominican republic|ecuador|egypt|
    el salvador|england|eritrea|estonia|eswatini|ethiopia|eu|europe|fiji|finland|france|gabon|
    gambia|georgia|germany|ghana|global|great britain|greece|grenada|guatemala|guinea|guyana|haiti|
    honduras|hong kong|hungary|iceland|india|indonesia|international|iran|iraq|ireland|israel|italy|
    ivory coast|jamaica|japan|jordan|kazakhstan|kenya|korea|kosovo|kuwait|kyrgyzstan|laos|
    latin america|latvia|lebanon|lesotho|liberia|libya|liechtenstein|lithuania|luxembourg|macau|
    madagascar|malawi|malaysia|maldives|mali|malta|mauritania|mauritius|mexico|moldova|monaco|
    mongolia|montenegro|morocco|mozambique|myanmar|namibia|nepal|netherlands|new zealand|nicaragua|
    niger|nigeria|north america|north macedonia|norway|oman|pakistan|palestine|panama|papua new guinea|
    paraguay|peru|philippines|poland|portugal|puerto rico|qatar|romania|russia|rwanda|san marino|
    saudi arabia|scotland|senegal|serbia|seychelles|sierra leone|singapore|slovakia|slovenia|somalia|
    south africa|south america|south korea|south sudan|spain|sri lanka|sudan|suriname|sweden|
    switzerland|syria|taiwan|tajikistan|tanzania|thailand|the netherlands|togo|trinidad and tobago|
    tunisia|turkey|turkmenistan|türkiye|u.k|u.s.|u.s.a|uae|uganda|uk|ukraine|united arab emirates|
    united kingdom|united states|united states of america|uruguay|us|usa|uzbekistan|vanuatu|venezuela|
    viet nam|vietnam|wales|worldwide|yemen|zambia|zimbabwe"""
)
"""Countries and wider places, folded."""

TITLE_HINTS = _spaced(
    """brand caption client company companyname customer domain empresa entity entreprise firma head header heading
    headline host hostname kunde name nom nombre opfer org organisation organization orgname subject target
    title titulo victim victime victimname website"""
)
"""Words in class names, ids, keys and labels that may name a title."""

STRONG_TITLE_HINTS = _spaced(
    """company companyname empresa entity headline name organisation organization target title victim victimname"""
)
"""Those of them that say so plainly."""

FIELD_HINTS = _inverted(
    {
        "description": "about body content desc descr dsc description excerpt info note overview sum summary text",
        "status": "badge flag label pill progress ribbon stage state status",
        "date": "added at created date datetime day dt posted pubdate publish published time updated",
        "deadline": "countdown deadline due eta expiration expire expires left remaining timer until",
        "size": "amount datasize leaksize size volume",
        "views": "counter hits pv reads seen view views visitors visits",
        "domain": "domain homepage host site url web website www",
        "country": "country geo location nation place region",
        "sector": "activity business category industry sector",
        "revenue": "income revenue turnover",
        "price": "cost price ransom",
        "employees": "employees staff",
    }
)
"""Words in class names, keys and labels to the field they name."""

VIEWED = _spaced("просмотр перегляд görüntülenme wyświetl aufruf visita visualiza vues 浏览 查看次数 閲覧 مشاهد")
"""Beginnings of what counters of views are labelled in other languages."""

NOT_TITLE_HINTS = frozenset(FIELD_HINTS) - _spaced("site website url domain web host text label at content body")
"""Words that say that a text is another field than the title."""

ASIDE = _inverted(
    {
        1.5: """ad ads advert adverts banner breadcrumb breadcrumbs carousel categories category cats comment
        comments contact contacts cookie copyright counter counters dropdown faq featured footer lang langs
        language languages latest legal links menu mirror mirrors nav navbar navi navigation offcanvas pager
        pages pagination partners pgp plan plans popular pricing recent related rule rules share sidebar sidenav
        slide slider slides shoutbox social socials sponsor sponsors stat statistics stats submenu swiper
        tablist tabs tagcloud tags toast toolbar top topbar topnav trending viewed widget""",
        1.0: "brand hero jumbotron logo masthead",
        0.5: """announcement announcements aside chat form header help login modal news search support team""",
    }
)
"""Words in tags, class names and ids to how much they say that what is inside is not the main content."""

INSIDE_ASIDE = _spaced(
    """breadcrumb comments contacts footer menu mirrors nav navbar navigation pager pagination share social tags"""
)
"""Those of them that say so inside a record, too."""
