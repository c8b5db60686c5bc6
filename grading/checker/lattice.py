"""All ways to cut Chinese text into words, weighed by a bigram model: of every run of characters in a text at once.

A word in its place is an edge of a run's lattice. The best paths through it are found by Viterbi's algorithm, all runs
abreast, so that numpy does a whole text in as many steps as its longest run has characters.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise, starmap

import numpy as np
from numpy.typing import NDArray

from grading.checker.bigrams import BEGINS, LONGEST_WORD, NONE, OTHER, Bigrams, Codes, Numbers

LONGEST_RUN = 50
"""Characters after which a run is cut. Prose has a mark before so many; noise would take a step for each."""

Places = NDArray[np.int64]
Chances = NDArray[np.float32]


def spread(starts: Places, ends: Places) -> tuple[Places, Places]:
    """All that the ranges contain, one range after another: of which range each is, and what."""
    counts = ends - starts
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) + (starts - np.cumsum(counts) + counts)[owner]


class Lattice:
    """The words of a text by place; those of one place stand together, and those of a run in the order of places."""

    def __init__(self, text: Codes, model: Bigrams) -> None:
        self.text, self.model = text, model
        self.run = _runs(text)
        numbers, starts, ends = self._edges()
        depths = starts - self.run[starts]
        order = np.lexsort((starts, depths))
        self.number, self.start, self.end = numbers[order], starts[order], ends[order]
        self.sink = len(order)
        """The edge after the last of every run."""
        # Of how many edges each step of the search has made sure when it begins.
        self._steps = np.concatenate([[0], np.bincount(depths).cumsum()])
        self.begins = self.start == self.run[self.start]
        self.finishes = np.append(self.run, -1)[self.end] != self.run[self.start]
        firsts = np.flatnonzero(np.diff(self.start, prepend=-1))
        self._first, self._last = np.zeros((2, len(text) + 1), np.int64)
        self._first[self.start[firsts]] = firsts
        self._last[self.start[firsts]] = np.append(firsts, self.sink)[1:]
        self.former, self.latter = spread(*self.following(self.end, self.finishes))
        self.chance = np.zeros(len(self.latter), np.float32)
        inner = np.flatnonzero(self.latter < self.sink)
        self.chance[inner] = model.after(self.number[self.former[inner]], self.number[self.latter[inner]])

    def _edges(self) -> tuple[Numbers, Places, Places]:
        """Their words, begins and ends. A character that is no word is an unknown one."""
        start = np.flatnonzero(self.run >= 0)
        key = self.text[start]
        found = [(self.model.character[key], start, start + 1)]
        for length in range(2, LONGEST_WORD + 1):
            longer = np.flatnonzero(start + length <= len(self.text))
            longer = longer[self.run[start[longer]] == self.run[start[longer] + length - 1]]
            start, key = start[longer], key[longer] | self.text[start[longer] + length - 1] << 15 * (length - 1)
            number = self.model.numbers.get(key, NONE)
            start, key, number = start[number != NONE], key[number != NONE], number[number != NONE]
            found.append((number, start, start + length))
        numbers, starts, ends = (np.concatenate(column) for column in zip(*found, strict=True))
        words = numbers != BEGINS
        return numbers[words], starts[words], ends[words]

    def following(self, end: Places, finishes: NDArray[np.bool_]) -> tuple[Places, Places]:
        """The ranges of edges that follow on what ends in these places."""
        return np.where(finishes, self.sink, self._first[end]), np.where(finishes, self.sink + 1, self._last[end])

    @cached_property
    def behind(self) -> Chances:
        """The logarithm of the probability of the best way from each edge to its run's end."""
        best = np.zeros(self.sink + 1, np.float32)
        groups = np.searchsorted(self.former, np.arange(self.sink + 1))
        for edges, ways, within in reversed(self._spans(groups, 0)):
            chances = self.chance[ways] + best[self.latter[ways]]
            np.maximum.reduceat(chances, within, out=best[edges])
        return best

    @cached_property
    def before(self) -> Chances:
        """Likewise from its run's begin to each edge, which it includes."""
        best = np.zeros(self.sink, np.float32)
        order = np.argsort(self.latter, kind="stable")
        former, chance = self.former[order], self.chance[order]
        groups = np.searchsorted(self.latter[order], np.arange(self.sink + 1))
        best[self.begins] = self.model.alone[self.number[self.begins]]
        for edges, ways, within in self._spans(groups, 1):
            np.maximum.reduceat(chance[ways] + best[former[ways]], within, out=best[edges])
        return best

    def _spans(self, groups: Places, first: int) -> list[tuple[slice, slice, Places]]:
        """Of each step from the first the edges, the ways to choose among, and where those of each edge begin."""
        bounds = groups[self._steps]
        within = groups[:-1] - np.repeat(bounds[:-1], np.diff(self._steps))
        edges = list(starmap(slice, pairwise(self._steps.tolist())))
        ways = starmap(slice, pairwise(bounds.tolist()))
        return [(one, way, within[one]) for one, way in zip(edges, ways, strict=True)][first:]

    @cached_property
    def best(self) -> Chances:
        """The logarithm of the probability of each run's best path, by the place where it begins."""
        begins = np.flatnonzero(self.begins)
        best = np.full(len(self.text), -np.inf, np.float32)
        np.maximum.at(best, self.start[begins], self.model.alone[self.number[begins]] + self.behind[begins])
        return best

    def gain(self, number: Numbers, start: Places, end: Places, least: float) -> Chances:
        """By what words in these places change the logarithm of their run's probability; -∞ where under `least`."""
        total = np.full(len(number), -np.inf, np.float32)
        wanted = least + self.best[self.run[start]]
        before = self._chance_before(number, start)
        # Most need not be weighed against all that stands behind them.
        close = np.flatnonzero(before + self._best_from[end] >= wanted)
        total[close] = before[close] + self._chance_behind(number[close], start[close], end[close])
        total -= self.best[self.run[start]]
        total[total < least] = -np.inf
        return total

    def _chance_before(self, number: Numbers, start: Places) -> Chances:
        begins = start == self.run[start]
        chance = np.where(begins, self.model.alone[number], np.float32(-np.inf))
        by_end = np.argsort(self.end, kind="stable")
        firsts, lasts = np.searchsorted(self.end[by_end], [start, start + 1])
        word, place = spread(firsts, np.where(begins, firsts, lasts))
        edge = by_end[place]
        np.maximum.at(chance, word, self.before[edge] + self.model.after(self.number[edge], number[word]))
        return chance

    def _chance_behind(self, number: Numbers, start: Places, end: Places) -> Chances:
        word, edge = spread(*self.following(end, np.append(self.run, -1)[end] != self.run[start]))
        ways = self.behind[edge]
        inner = np.flatnonzero(edge < self.sink)
        ways[inner] += self.model.after(number[word[inner]], self.number[edge[inner]])
        chance = np.full(len(number), -np.inf, np.float32)
        np.maximum.at(chance, word, ways)
        return chance

    @cached_property
    def _best_from(self) -> Chances:
        """The best way from each place to its run's end, or better: what the first word there is likeliest after."""
        best = np.full(len(self.text) + 1, -np.inf, np.float32)
        best[self.end[self.finishes]] = 0
        inner = np.flatnonzero(~self.begins)
        np.maximum.at(best, self.start[inner], self.model.most[self.number[inner]] + self.behind[inner])
        return best


def _runs(text: Codes) -> Places:
    """Where the run of each character begins; -1 for what is no Chinese character."""
    places = np.arange(len(text))
    outside = text == OTHER
    start = np.maximum.accumulate(np.where(outside, places, -1)) + 1
    start = places - (places - start) % LONGEST_RUN
    return np.where(outside, -1, start)
