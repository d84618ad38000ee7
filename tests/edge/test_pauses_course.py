"""What is paused, through any course of statements that come late, twice, forged or torn, and of restarts: always what
each operator said last, and nothing that no operator said."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from structlog.testing import capture_logs

from tests.fleet.vantage import key_of
from watcher.core import pausing
from watcher.core.pausing import Statement
from watcher.edge.pause_files import keep, path_of, paused, said
from watcher.edge.pauses import Heeding

OPERATORS = {name: key_of(name) for name in ("berlin", "oslo/1")}
STRANGER = key_of("stranger")
SITES = ("alpha", "beta", "gamma")
LATER, EARLIER = datetime(2096, 1, 1, tzinfo=UTC), datetime(2016, 1, 1, tzinfo=UTC)


def test_an_old_statement_said_again_to_one_who_just_started_is_not_taken(tmp_path: Path) -> None:
    key = OPERATORS["berlin"]
    said_so = [
        pausing.say(Statement(by="berlin", number=number, until={site: LATER}), key.sign)
        for number, site in enumerate(SITES, start=1)
    ]
    keep(tmp_path, said_so[1])
    heeding = Heeding(tmp_path, [key.verifier], lambda _: None)
    heeding.hear("berlin", said_so[0])
    assert said(tmp_path, "berlin") == said_so[1]
    heeding.hear("berlin", said_so[2])
    assert paused(tmp_path, EARLIER).keys() == {SITES[2]}


def test_a_statement_that_is_taken_away_holds_no_more_and_may_be_given_again(tmp_path: Path) -> None:
    """By hand, say: what was paused goes on, and an older statement still does not come in by the fleet."""
    key = OPERATORS["berlin"]
    older, newer = (
        pausing.say(Statement(by="berlin", number=number, until={site: LATER}), key.sign)
        for number, site in ((4, "alpha"), (5, "beta"))
    )
    told: list[list[str]] = []
    heeding = Heeding(tmp_path, [key.verifier], lambda sites: told.append(sorted(sites)))
    heeding.hear("berlin", newer)
    heeding.look()
    path_of(tmp_path, "berlin").unlink()
    with capture_logs() as logs:
        heeding.look()
        heeding.look()
    assert told == [["beta"], []]
    assert [(one["event"], one["site"]) for one in logs] == [("goes on", "beta")]
    heeding.hear("berlin", older)
    assert said(tmp_path, "berlin") == b""
    keep(tmp_path, newer)
    heeding.look()
    assert told == [["beta"], [], ["beta"]]


def test_a_folder_from_a_copy_lets_nothing_in_that_is_older_than_what_was_heard(tmp_path: Path) -> None:
    key = OPERATORS["berlin"]
    third, fourth, fifth, sixth = (
        pausing.say(Statement(by="berlin", number=number, until={f"site-{number}": LATER}), key.sign)
        for number in (3, 4, 5, 6)
    )
    heeding = Heeding(tmp_path, [key.verifier], lambda _: None)
    heeding.hear("berlin", fifth)
    heeding.look()
    keep(tmp_path, third)
    heeding.look()
    heeding.hear("berlin", fourth)
    assert said(tmp_path, "berlin") == third
    heeding.hear("berlin", sixth)
    assert paused(tmp_path, EARLIER).keys() == {"site-6"}


class Course(RuleBasedStateMachine):
    """A process that heeds, its folder, and what was ever said."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="pauses"))
        self.ever: dict[str, list[bytes]] = {name: [] for name in OPERATORS}
        """All statements, by who made them."""
        self.here: dict[str, int] = {}
        """Which of them holds here."""
        self.started()

    def teardown(self) -> None:
        self.look()
        shutil.rmtree(self.folder)

    @rule()
    def started(self) -> None:
        """A process that was killed leaves the folder, and knows nothing."""
        self.told: list[frozenset[str]] = [frozenset()]
        keys = [key.verifier for key in OPERATORS.values()]
        self.heeding = Heeding(self.folder, keys, lambda sites: self.told.append(frozenset(sites)))

    @rule(by=st.sampled_from(sorted(OPERATORS)), sites=st.sets(st.sampled_from(SITES)), is_over=st.booleans())
    def state(self, by: str, sites: set[str], is_over: bool) -> None:
        """An operator says something, somewhere; nobody here has heard of it yet."""
        number = len(self.ever[by]) + 1
        statement = Statement(by=by, number=number, until=dict.fromkeys(sites, EARLIER if is_over else LATER))
        self.ever[by].append(pausing.say(statement, OPERATORS[by].sign))

    def _some(self, data: st.DataObject) -> tuple[str, int]:
        by = data.draw(st.sampled_from(sorted(name for name, made in self.ever.items() if made)))
        return by, data.draw(st.integers(0, len(self.ever[by]) - 1))

    @precondition(lambda self: any(self.ever.values()))
    @rule(data=st.data())
    def hear(self, data: st.DataObject) -> None:
        """A statement comes over the network: the last one, or one that somebody kept and says again."""
        by, which = self._some(data)
        self.heeding.hear(by, self.ever[by][which])
        self.here[by] = max(which, self.here.get(by, -1))

    @precondition(lambda self: any(self.ever.values()))
    @rule(data=st.data())
    def pause_here(self, data: st.DataObject) -> None:
        """The command line puts a newer one into the folder."""
        by, which = self._some(data)
        if which >= self.here.get(by, -1):
            keep(self.folder, self.ever[by][which])
            self.here[by] = which

    @precondition(lambda self: any(self.ever.values()))
    @rule(data=st.data(), how=st.sampled_from(("torn", "another's", "unsigned", "a stranger's", "noise")))
    def hear_nonsense(self, data: st.DataObject, how: str) -> None:
        by, which = self._some(data)
        good = self.ever[by][which]
        other = next(name for name in OPERATORS if name != by)
        number = len(self.ever[by]) + 9
        mine = Statement(by=by, number=number, until={"gamma": LATER})
        with capture_logs():
            match how:
                case "torn":
                    self.heeding.hear(by, good[:-30])
                case "another's":
                    self.heeding.hear(other, good)
                case "unsigned":
                    self.heeding.hear(by, pausing.say(mine, STRANGER.sign))
                case "a stranger's":
                    strange = Statement(by="stranger", number=number, until={"gamma": LATER})
                    self.heeding.hear("stranger", pausing.say(strange, STRANGER.sign))
                case "noise":
                    self.heeding.hear(by, b"\xff\x00\n\n")

    @rule(content=st.sampled_from((b"", b"\xff\n", b"{}", b"{}\n!!", b'{"by":"berlin"}\n\n')))
    def find_nonsense(self, content: bytes) -> None:
        """A file that no operator signed lies in the folder: it is taken away when it is looked at."""
        path = path_of(self.folder, "stranger")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        with capture_logs() as logs:
            self.heeding.look()
        assert path.exists() == (not content)
        assert bool([line for line in logs if line["event"] == "pauses"]) == bool(content)
        path.unlink(missing_ok=True)

    @rule(by=st.sampled_from(sorted(OPERATORS)))
    def take_away(self, by: str) -> None:
        """Whoever removes the file by hand ends the pause here, until it is said again."""
        with capture_logs():
            self.heeding.look()
            path_of(self.folder, by).unlink(missing_ok=True)
            self.heeding.look()
        self.here.pop(by, None)
        self.started()

    @rule()
    def look(self) -> None:
        with capture_logs():
            self.heeding.look()
        expected = set()
        for by, which in self.here.items():
            assert said(self.folder, by) == self.ever[by][which]
            until = pausing.read(self.ever[by][which]).until
            expected |= {site for site, end in until.items() if end == LATER}
        assert self.told[-1] == expected
        assert paused(self.folder, datetime.now(UTC)).keys() == expected
        assert paused(self.folder, LATER + timedelta(seconds=1)) == {}


TestCourse = Course.TestCase
TestCourse.settings = settings(max_examples=40, stateful_step_count=20, deadline=None, derandomize=True)
