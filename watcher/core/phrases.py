"""Words by which pages that are no listing give themselves away, in the languages that such sites use.

Data, and one question: what does a text say? The answer is a hint and never a verdict: an entry may be called
"Captcha Ltd", and a leak site may write "seized" in a description. ``verdict`` weighs the hint against what else the
page shows. ``PHRASES`` count anywhere in the text; ``HEADINGS`` only as a whole title or heading, where a single word
is enough.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Literal

from watcher.core.short_keys import cached_if_short

Topic = Literal["queue", "challenge", "script", "login", "seized", "error", "gone", "nothing"]

INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f"
    r"\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)


def fold(text: str) -> str:
    """The text as words are compared: NFKC, case and invisible characters taken off, white space folded."""
    if not text.isascii():
        text = INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    return folded_space(text.casefold().replace("’", "'"))


def folded_space(text: str) -> str:
    """The text with one space wherever it has white space, and none at its ends."""
    if "  " not in text and text.isprintable():  # no other white space is: most pages on one line are as they should be
        return text.strip()
    return " ".join(text.split())


fold_name = cached_if_short(1_000)(fold)
"""The same of a text that is seen again and again."""


def _split(words: str) -> tuple[str, ...]:
    return tuple(" ".join(word.split()) for word in words.split("|"))


PHRASES: dict[Topic, tuple[str, ...]] = {
    "queue": _split("""
        you are in the queue | you are in a queue | you have been placed in a queue | place in the queue |
        place in line | position in queue | position in the queue | your position in | in the waiting room |
        awaiting forwarding | you will be redirected shortly | you will be redirected automatically |
        estimated wait | estimated entry time | waiting time is | will reload automatically |
        will refresh automatically | do not refresh | too many visitors | server is full | high traffic volume |
        вы в очереди | вы находитесь в очереди | место в очереди | ваша очередь | номер в очереди |
        время ожидания | не обновляйте страницу | обновится автоматически | перенаправлены автоматически |
        ви у черзі | ваше місце в черзі | in der warteschlange | geschätzte wartezeit | seite wird automatisch |
        vous êtes dans la file | file d'attente | temps d'attente | estás en la cola | está en la cola |
        lugar en la cola | sala de espera | tiempo de espera | você está na fila | posição na fila |
        tempo de espera | sei in coda | posizione in coda | tempo di attesa | in de wachtrij | jesteś w kolejce |
        miejsce w kolejce | czas oczekiwania | sıradasınız | bekleme süresi | 您正在排队 | 正在排队 | 排队中 |
        预计等待时间 | 正在排隊 | 待機列 | 待ち時間 | 順番待ち | 대기열 | 예상 대기 시간 | في قائمة الانتظار
    """),
    "challenge": _split("""
        checking your browser | checking if the site connection is secure | you are human | you're human |
        you are not a robot | you're not a robot | i'm not a robot | i am not a robot | you're not a bot |
        you are not a bot | are you a human | are you human | are you a robot | human verification |
        complete the captcha | solve the captcha | solve this captcha | solve captcha | enter the captcha |
        enter captcha | pass the captcha | captcha to continue | captcha below | type the characters |
        enter the characters | characters you see | enter the code from | code from the picture |
        code from the image | select all images | select all squares | select each image | drag the slider |
        solve the puzzle | ddos protection | ddos-protection | ddos guard | ddos-guard | protected from ddos |
        anti-ddos | antiddos | anti ddos | anti-bot | bot protection | proof of work | proof-of-work |
        please wait while we | just a moment | one moment, please | security check | browser check |
        browser verification | attention required | enable cookies | cookies must be enabled | unusual traffic |
        access to this page has been denied | your browser is being checked | проверка браузера |
        проверяем ваш браузер | проверка вашего браузера | подтвердите, что вы | докажите, что вы | вы не робот |
        я не робот | введите капчу | введите код с картинки | введите символы | решите капчу | защита от ddos |
        защита от ботов | пожалуйста, подождите | перевірка браузера | підтвердіть, що ви | введіть символи |
        browser wird überprüft | bestätigen sie, dass sie | kein roboter | zeichen eingeben |
        geben sie die zeichen | vérification de votre navigateur | vérifiez que vous êtes | pas un robot |
        saisissez les caractères | comprobando su navegador | comprobando tu navegador | verifique que es humano |
        no soy un robot | no eres un robot | introduzca los caracteres | verificando seu navegador |
        não sou um robô | não é um robô | digite os caracteres | controllo del browser | non sono un robot |
        inserisci i caratteri | ik ben geen robot | nie jestem robotem | sprawdzanie przeglądarki | wpisz znaki |
        robot olmadığınızı | tarayıcınız kontrol ediliyor | 正在检查您的浏览器 | 正在验证 | 人机验证 | 安全验证 |
        请输入验证码 | 输入验证码 | 我不是机器人 | 請輸入驗證碼 | ロボットではありません | ブラウザを確認しています |
        画像に表示されている文字 | 로봇이 아닙니다 | 브라우저를 확인 | 보안 문자 | لست برنامج روبوت | التحقق من المتصفح
    """),
    "script": _split("""
        enable javascript | javascript is required | requires javascript | javascript is disabled |
        javascript must be enabled | turn on javascript | without javascript | please turn javascript |
        включите javascript | требуется javascript | увімкніть javascript | javascript aktivieren |
        aktivieren sie javascript | activez javascript | activer javascript | habilite javascript |
        active javascript | activa javascript | ative o javascript | habilitar javascript | abilita javascript |
        attiva javascript | schakel javascript in | włącz javascript | javascript'i etkinleştirin |
        启用javascript | 启用 javascript | javascriptを有効 | javascript를 활성화
    """),
    "login": _split("""
        please log in | please login | please sign in | log in to continue | login to continue |
        sign in to continue | you must be logged in | you must log in | you need to log in | members only |
        enter your password | enter password | enter the password | username and password | forgot password |
        forgot your password | войдите в аккаунт | войдите, чтобы | необходимо войти | необходима авторизация |
        требуется авторизация | введите пароль | забыли пароль | введіть пароль | увійдіть |
        bitte melden sie sich an | bitte anmelden | passwort eingeben | passwort vergessen |
        veuillez vous connecter | connectez-vous pour | mot de passe oublié | inicie sesión para |
        inicia sesión para | introduzca su contraseña | olvidó su contraseña | faça login para | digite sua senha |
        esqueceu a senha | accedi per continuare | inserisci la password | password dimenticata |
        voer uw wachtwoord in | zaloguj się | podaj hasło | giriş yapın | şifrenizi girin | 请登录 | 请先登录 |
        请输入密码 | 忘记密码 | ログインしてください | パスワードを入力 | 로그인이 필요 | 비밀번호를 입력 | تسجيل الدخول
    """),
    "seized": _split("""
        has been seized | have been seized | was seized by | were seized by | under the control of law enforcement |
        under control of law enforcement | seized by | domain seized | this hidden site has been |
        seizure warrant | coordinated law enforcement | coordinated international law enforcement |
        international law enforcement operation | joint law enforcement operation |
        taken down by law enforcement | has been taken down by | has been shut down by | seized as part of |
        operation cronos | operation endgame | конфискован | сайт изъят | домен изъят |
        изъят правоохранительными | заблокирован правоохранительными | під контролем правоохоронних |
        wurde beschlagnahmt | wurden beschlagnahmt | beschlagnahmt durch | sichergestellt durch | a été saisi |
        ont été saisis | saisi par | ha sido incautado | ha sido intervenido | incautado por | foi apreendido |
        apreendido por | è stato sequestrato | sequestrato da | in beslag genomen | został przejęty | zajęty przez |
        el konulmuştur | 已被查封 | 已被扣押 | 執法機關查封 | 差し押さえ | 압수되었습니다 | تمت مصادرة
    """),
    "error": _split("""
        bad gateway | gateway timeout | gateway time-out | service unavailable | temporarily unavailable |
        internal server error | server error | an error occurred | an error has occurred | something went wrong |
        unexpected error | application error | fatal error | unable to connect |
        error establishing a database connection | database error | sqlstate | uncaught exception | stack trace |
        traceback (most recent call last) | connection refused | connection timed out | too many requests |
        rate limit | limit exceeded | 403 forbidden | access denied | access forbidden | permission denied |
        you don't have permission | 401 unauthorized | bad request |
        error 403 | error 500 | error 502 | error 503 | error 504 | http error | no backend |
        backend fetch failed | guru meditation | welcome to nginx | apache2 default page |
        apache2 debian default page | it works! | default web page | account suspended |
        account has been suspended | under maintenance | down for maintenance | maintenance mode |
        scheduled maintenance | be right back | we'll be back | under construction | domain for sale |
        domain is for sale | domain is parked | onion site not found | onionsite not found |
        site is currently offline | ошибка сервера | внутренняя ошибка | произошла ошибка | что-то пошло не так |
        временно недоступен | технические работы | сайт на обслуживании | доступ запрещен | доступ запрещён |
        ошибка 502 | слишком много запросов | ведутся работы | сталася помилка |
        тимчасово недоступний | технічні роботи | доступ заборонено | interner serverfehler |
        ein fehler ist aufgetreten | etwas ist schiefgelaufen | vorübergehend nicht verfügbar | wartungsarbeiten |
        wartungsmodus | zugriff verweigert | erreur interne | une erreur s'est produite |
        une erreur est survenue | temporairement indisponible | en maintenance | accès refusé | accès interdit |
        error interno | ha ocurrido un error | se ha producido un error | algo salió mal |
        no disponible temporalmente | en mantenimiento | acceso denegado | erro interno | ocorreu um erro |
        algo deu errado | temporariamente indisponível | em manutenção | acesso negado | errore interno |
        si è verificato un errore | qualcosa è andato storto | temporaneamente non disponibile |
        in manutenzione | accesso negato | er is een fout opgetreden | tijdelijk niet beschikbaar |
        toegang geweigerd | wystąpił błąd | błąd serwera | tymczasowo niedostępn | przerwa techniczna |
        odmowa dostępu | bir hata oluştu | sunucu hatası | geçici olarak kullanılamıyor | bakımdayız |
        erişim engellendi | 服务器错误 | 内部错误 | 服务不可用 | 暂时无法访问 | 系统维护 | 维护中 | 发生错误 | 出错了 |
        访问被拒绝 | 伺服器錯誤 | サーバーエラー | エラーが発生しました | メンテナンス中 | アクセスが拒否 | 서버 오류 |
        오류가 발생 | 점검 중 | خطأ في الخادم | حدث خطأ | غير متاح مؤقتا
    """),
    "gone": _split("""
        page not found | post not found | not be found |
        ошибка 404 | not found on this server | 404 not found | error 404 |
        404 error | was not found | does not exist | doesn't exist | do not exist | no longer exists |
        no longer available | has been removed | has been deleted | was deleted | was removed |
        content not found | nothing was found | nothing found | entry not found | item not found |
        company not found | victim not found | leak not found | record not found | article not found |
        that page can't | we couldn't find | we could not find | cannot be found | can't be found |
        страница не найдена | запись не найдена | пост не найден | не найдена | ничего не найдено |
        не существует | была удалена | был удален | был удалён | сторінку не знайдено | не знайдено | не існує |
        nicht gefunden | existiert nicht | wurde gelöscht | wurde entfernt | page introuvable |
        page non trouvée | n'existe pas | n'existe plus | a été supprimé | introuvable | no encontrado |
        no encontrada | no existe | ha sido eliminad | fue eliminad | não encontrad | não existe | foi removid |
        foi excluíd | non trovat | non esiste | è stato rimosso | è stata rimossa | niet gevonden |
        bestaat niet | nie została znaleziona | nie znaleziono | nie istnieje | bulunamadı | mevcut değil |
        页面不存在 | 页面未找到 | 找不到 | 未找到 | 不存在 | 已被删除 | 已删除 | 頁面不存在 | 見つかりません |
        存在しません | 削除されました | 찾을 수 없습니다 | 존재하지 않 | 삭제되었습니다 | الصفحة غير موجودة | غير موجود
    """),
    "nothing": _split("""
        no posts | no post found | no data | no records | no entries | no items | no victims | no companies |
        no leaks | no results | no articles | no news | no content | no publications | nothing here |
        nothing to show | nothing to display | nothing to see | nothing yet | nothing found | nothing was found |
        is empty | list empty | currently empty | there are no | there is nothing | 0 results | 0 posts |
        0 records | nothing published | come back later | нет записей | нет данных | нет постов |
        нет публикаций | нет новостей | ничего нет | ничего не найдено | здесь пока | пока пусто | список пуст |
        пусто | записей нет | немає записів | немає даних | нічого немає | нічого не знайдено |
        keine beiträge | keine einträge | keine daten | keine ergebnisse | nichts gefunden | noch nichts |
        hier ist nichts | aucun article | aucune donnée | aucun résultat | aucune entrée |
        aucune publication | rien ici | rien à afficher | rien pour le moment | no hay publicaciones |
        no hay datos | no hay resultados | no hay entradas | sin datos | sin resultados | nada aquí |
        nada por aquí | aún no hay | sem dados | sem resultados | nenhum resultado | nenhum registro |
        nenhuma publicação | nada aqui | ainda não há | nessun articolo | nessun dato | nessun risultato |
        nessun post | niente qui | geen berichten | geen gegevens | geen resultaten | niets gevonden |
        brak wpisów | brak danych | brak wyników | nic tu nie ma | gönderi yok | kayıt yok | veri yok |
        sonuç bulunamadı | henüz yok | 暂无 | 没有数据 | 没有内容 | 没有记录 | 没有找到 | 空空如也 | 沒有資料 |
        データがありません | データはありません | 投稿がありません | まだありません | 何もありません |
        데이터가 없습니다 | 게시물이 없습니다 | 내용이 없습니다 | لا توجد | لا يوجد
    """),
}

HEADINGS: dict[Topic, tuple[str, ...]] = {
    "queue": _split("""
        queue | access queue | waiting room | waiting | please wait | wait | loading | очередь | ожидание |
        подождите | warteschlange | file d'attente | cola | fila | coda | wachtrij | kolejka | sıra | 排队 |
        待機 | 대기
    """),
    "challenge": _split("""
        captcha | anti-bot | antibot | bot check | human check | human verify | human verification |
        verification | verify | security check | ddos | challenge | just a moment | one moment | checking |
        browser check | attention required | robot check | капча | проверка | верификация |
        проверка безопасности | sicherheitsüberprüfung | überprüfung | vérification | verificación |
        verificação | verifica | weryfikacja | doğrulama | 验证码 | 验证 | 安全检查 | 認証 | 인증 | تحقق
    """),
    "login": _split("""
        login | log in | sign in | signin | log-in | authorization | authorisation | authentication |
        authenticate | password | restricted | restricted area | members area | login page | admin login |
        вход | войти | авторизация | вхід | авторизація | anmelden | anmeldung | connexion | se connecter |
        authentification | iniciar sesión | acceso | autenticación | entrar | autenticação | accedi | accesso |
        autenticazione | inloggen | zaloguj | logowanie | giriş | giriş yap | 登录 | 登入 | ログイン | 로그인 |
        تسجيل الدخول
    """),
    "seized": _split("""
        seized | site seized | domain seized | website seized | this site has been seized |
        this website has been seized | this domain has been seized | this hidden site has been seized |
        this service has been seized | изъято | beschlagnahmt | saisi | incautado | apreendido | sequestrato |
        in beslag genomen | przejęte | 查封
    """),
    "error": _split("""
        error | forbidden | unauthorized | bad request | server error | oops | maintenance | site maintenance |
        offline | unavailable | suspended | 400 | 401 | 403 | 405 | 429 | 500 | 501 | 502 | 503 | 504 |
        520 | 521 | 522 | 523 | 524 | welcome to nginx | ошибка | помилка | fehler | wartung |
        erreur | mantenimiento | erro | manutenção | errore | manutenzione | fout | onderhoud | błąd | hata |
        bakım | 错误 | 維護 | 维护 | エラー | 오류 | خطأ
    """),
    "gone": _split("""
        404 | not found | 404 not found | page not found | gone | 410 | 410 gone | error 404 | deleted | removed |
        не найдено | удалено | nicht gefunden | introuvable | no encontrado | não encontrado | non trovato |
        niet gevonden | nie znaleziono | bulunamadı | 未找到 | 不存在 | 見つかりません | 찾을 수 없음 | غير موجود
    """),
}

COUNTED = _split("""
    total | compan | victim | entries | records | results | posts | leaks | publications | publicated | listed |
    items | found | articles | targets | clients | organizations | showing | count | всего | компани | жертв |
    записей | результат | постов | утечек | публикаций | найдено | всього | записів | gesamt | unternehmen |
    firmen | einträge | ergebnisse | opfer | treffer | beiträge | entreprises | entrées | résultats | publiés |
    empresas | víctimas | entradas | resultados | registros | vítimas | aziende | vittime | voci | risultati |
    bedrijven | slachtoffers | resultaten | ofiar | wpisów | wyników | toplam | şirket | kurban | sonuç | kayıt |
    共 | 总计 | 总共 | 公司 | 受害者 | 条 | 合計 | 企業 | 件 | 전체 | 총 | 개 | المجموع | شركة | نتيجة
""")
"""Words beside a number that counts what is listed."""
_COUNTED = re.compile("|".join(map(re.escape, COUNTED)))

HEADING_TRIM = " \t.!…:|-–—"
LONGEST_HEADING = 120
STATUS_HEADING = re.compile(r"(?:http |error |status )*(?P<code>[45]\d\d)\b.{0,40}")
"""``502 Bad Gateway``, ``Error 403``: an HTTP status at the head of a title. Only with one of ``STATUS_NAMES``."""
STATUS_NAMES = _split("""
    gateway | not found | forbidden | service | internal | unauthorized | too many | timeout | time-out |
    unavailable | error | denied | bad request | gone | nginx | apache | openresty | cloudflare
""")


@cache
def _phrases(topic: Topic) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fold(phrase) for phrase in PHRASES[topic]))


@cache
def _headings(topic: Topic) -> frozenset[str]:
    return frozenset(fold(heading).strip(HEADING_TRIM) for heading in HEADINGS.get(topic, ()))


def says(folded: str, topic: Topic) -> str:
    """The first phrase of ``topic`` in a folded text, where a word begins; empty if there is none."""
    for phrase in _phrases(topic):
        at = folded.find(phrase)
        while at >= 0:
            # scripts without spaces (Chinese, Japanese, Korean) have no word beginnings to look at
            if at == 0 or not folded[at - 1].isalnum() or ord(phrase[0]) > 0x2E00:
                return phrase
            at = folded.find(phrase, at + 1)
    return ""


def headed(headings: Iterable[str], topic: Topic) -> bool:
    """Whether one of the titles and headings, each taken whole, speaks of ``topic``."""
    lines: list[str] = []
    for heading in headings:
        folded = fold_name(heading).strip(HEADING_TRIM)
        if folded in _headings(topic):
            return True
        found = STATUS_HEADING.fullmatch(folded) if topic in ("error", "gone") else None
        if found and any(name in folded for name in STATUS_NAMES):
            if (topic == "gone") == (found["code"] in ("404", "410")):
                return True
        elif len(folded) <= LONGEST_HEADING:
            lines.append(folded)
    return bool(says("\n".join(lines), topic))


@cached_if_short(1_000)
def counts_something(folded: str) -> bool:
    """Whether the words around a number say that it counts what is listed."""
    return _COUNTED.search(folded) is not None
