# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is printed of the samples."""

from dataclasses import dataclass
from statistics import median

from subjects import ALONE, BUSY, Subject

BASE = "b"  # to which others are in proportion


@dataclass(frozen=True)
class Figure:
    """One line: a figure of each subject, and of some in proportion to BASE."""

    name: str
    values: dict[str, float]
    ratios: dict[str, float]

    def __str__(self) -> str:
        columns = "".join(
            f"{value:>11,.{0 if value >= 1000 else 1}f}"
            for value in self.values.values()
        )
        ratios = "".join(f"{ratio:>9.3f}" for ratio in self.ratios.values())
        return f"{self.name:34}{columns}{ratios}"


def heads(title: str, found: dict[str, Figure]) -> str:
    """The line above the figures."""
    figure = next(iter(found.values()))
    columns = "".join(f"{f'({letter})':>11}" for letter in figure.values)
    ratios = "".join(f"{f'({letter})/({BASE})':>9}" for letter in figure.ratios)
    return f"\n{title:34}{columns}{ratios}"


def of_samples(
    name: str, subjects: dict[str, Subject], runs: str, field: str
) -> Figure:
    """Medians of all rounds. A ratio is the median of each round's own."""
    values = {
        letter: [getattr(sample, field) for sample in getattr(subject, runs)]
        for letter, subject in subjects.items()
    }
    pairs = {
        letter: [a / b for a, b in zip(found, values[BASE], strict=True) if b]
        for letter, found in values.items()
        if letter > BASE
    }
    return Figure(
        name,
        {letter: median(found) for letter, found in values.items()},
        {letter: median(found or [0]) for letter, found in pairs.items()},
    )


def of_memory(name: str, subjects: dict[str, Subject], field: str) -> Figure:
    values = {letter: subject.memory_mb(field) for letter, subject in subjects.items()}
    others = [letter for letter in values if letter > BASE]
    ratios = {letter: values[letter] / values[BASE] for letter in others}
    return Figure(name, values, ratios)


def figures(subjects: dict[str, Subject]) -> dict[str, Figure]:
    busy, alone = f"{BUSY} at a time", "one at a time"
    return {
        "rate": of_samples(f"logins per second, {busy}", subjects, "busy", "rate"),
        "cpu": of_samples("auth's time per login, us", subjects, "busy", "cpu_usecs"),
        "p50": of_samples(f"latency p50, {busy}, us", subjects, "busy", "p50_usecs"),
        "p99": of_samples(f"latency p99, {busy}, us", subjects, "busy", "p99_usecs"),
        "p50 alone": of_samples(
            f"latency p50, {alone}, us", subjects, "alone", "p50_usecs"
        ),
        "p99 alone": of_samples(
            f"latency p99, {alone}, us", subjects, "alone", "p99_usecs"
        ),
        "VmHWM": of_memory("VmHWM of auth, MB", subjects, "VmHWM"),
        "waited": of_samples(
            "auth was kept waiting, %", subjects, "busy", "kept_waiting"
        ),
        "RssAnon": of_memory("RssAnon of auth at the end, MB", subjects, "RssAnon"),
        "VmPeak": of_memory("VmPeak of auth, MB", subjects, "VmPeak"),
    }


def aim(text: str, value: float, limit: float, at_least: bool) -> str:
    met = value >= limit if at_least else value <= limit
    bound = f"{'at least' if at_least else 'at most'} {limit:g}"
    return f"{text:52}{value:>8.3f}   {bound:14} {'met' if met else 'MISSED'}"
