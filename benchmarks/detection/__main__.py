"""How well entries are found and withdrawals and other events are told, under faults and without.

    python -m benchmarks.detection CORPUS [--seeds N] [--site NAME] [--part NAME] [--mistakes]

CORPUS holds a folder a site with ``truth.json`` and its pages. Printed, each also alone by ``--part``:

entries   precision and recall of entries without a rule, after two captures, and the speed of reading
events    over the series, from the truth's entries and from the pages themselves
faults    the same series with faults in every fifth check, for sites with and without pages for single entries, mirrors
          and full lists, against "compare with the last page" and "three in a row"
beyond    faults that outlast every wait, or reach every mirror at once (see ``faults``): something may be told falsely
structures  the same events in other page structures, read end to end under faults (see ``structures``)
ablation  every rule of the decision turned off in turn
cost      what reading, comparing and deciding cost for a page of 10,000 entries

``python -m benchmarks.detection.entries CORPUS --ablate`` does for the signs by which entries are found what
``ablation`` does for the decision.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks.detection import cost, entries, events, faults, structures
from benchmarks.detection.ablation import RULES, without
from benchmarks.detection.rivals import Rival, told_by
from benchmarks.detection.score import Tally, table
from benchmarks.detection.series import Series, load
from watcher.edge.machine import collect_seldom
from watcher.edge.read_worker import BUSY

PARTS = ("entries", "events", "faults", "beyond", "structures", "ablation", "cost")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.detection", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--seeds", type=int, default=3, help="how often each site is played with other faults")
    parser.add_argument("--site", default="", help="only sites whose name holds this")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this (may be given again)")
    parser.add_argument("--mistakes", action="store_true", help="name every mistake")
    options = parser.parse_args(arguments)
    series = load(options.corpus, options.site)
    if not series:
        print(f"{options.corpus} holds no site with truth.json", file=sys.stderr)
        return 2
    parts = options.part or PARTS
    collect_seldom(BUSY)  # as the processes do that read pages
    began = time.process_time()
    if "entries" in parts:
        entries.summary(options.corpus, options.site)
    if "events" in parts:
        without_faults(series, mistakes=options.mistakes)
    if "faults" in parts:
        with_faults(series, range(options.seeds), mistakes=options.mistakes)
    if "beyond" in parts:
        beyond(series, mistakes=options.mistakes)
    if "structures" in parts:
        structures.report(series, range(options.seeds), mistakes=options.mistakes)
    if "ablation" in parts:
        ablation(series)
    if "cost" in parts:
        cost.report()
    print(f"\n{time.process_time() - began:.0f} s CPU")
    return 0


def without_faults(series: tuple[Series, ...], *, mistakes: bool) -> None:
    print("Events over the series, three checks a version, the corpus's own bad pages among them, confirm_visits = 2\n")
    rows = [
        ("from the truth's entries", events.run(series, pages=False)),
        ("from the pages", events.run(series, pages=True)),
    ]
    show(rows, mistakes=mistakes)


def with_faults(series: tuple[Series, ...], seeds: range, *, mistakes: bool) -> None:
    print(f"\nWith faults in every fifth check, {len(seeds)} seeds; rivals on the same checks\n")
    rows: list[tuple[str, Tally]] = []
    for setting in faults.SETTINGS:
        rows.append((setting.name, faults.run(series, setting, seeds)))
        rows += rivals(series, setting, seeds[:1])
    show(rows, mistakes=mistakes)
    ours = [tally for name, tally in rows if not name.startswith(" ")]
    checks, false = sum(tally.checks for tally in ours), sum(tally.false_withdrawals for tally in ours)
    print(f"\n{checks} checks, {false} false withdrawals")


def beyond(series: tuple[Series, ...], *, mistakes: bool) -> None:
    print("\nWith faults that outlast the wait for a witness, or reach all mirrors at once, one seed\n")
    show([(setting.name, faults.run(series, setting, range(1))) for setting in faults.BEYOND], mistakes=mistakes)


def rivals(series: tuple[Series, ...], setting: faults.Setting, seeds: range) -> list[tuple[str, Tally]]:
    """The two baselines over the same checks, of the first seed."""
    rows = []
    for name, pages in (("  compare with the last page", 1), ("  three in a row", 3)):
        tally = Tally()
        for seed in seeds:
            for one in series:
                checks = list(faults.checks_of(one, setting, seed))
                rival = Rival(pages=pages, titles=one.titles(), site=one.site)
                faults.count(tally, one, setting, checks, told_by(rival, checks), seed)
        rows.append((name, tally))
    return rows


def ablation(series: tuple[Series, ...]) -> None:
    print("\nEach rule turned off in turn, one seed\n")
    for setting in (faults.SETTINGS[0], faults.SETTINGS[3], faults.SETTINGS[5]):
        rows = []
        for rule in ("", *RULES):
            with without(rule):
                rows.append((f"without {rule}" if rule else "all rules", faults.run(series, setting, range(1))))
        print(setting.name)
        show(rows, mistakes=False)


def show(rows: list[tuple[str, Tally]], *, mistakes: bool) -> None:
    print(table(rows), flush=True)
    if mistakes:
        for name, tally in rows:
            for mistake in tally.mistakes:
                print(f"  {name}: {mistake}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
