"""What the report's words mean, in a list at its end and where they stand."""

import re
from collections.abc import Mapping

from markupsafe import Markup, escape

GLOSSARY: Mapping[str, str] = {
    "Trial": "one training of one configuration with one seed.",
    "Variant": "a setting that the sweep compares; here it stands for all its seeds' trials.",
    "Block": "what a comparison is repeated over: a data set, an architecture, or both.",
    "Seed": "the number that fixes a trial's split, order of images and initial weights.",
    "n": "how many trials count for a variant, or how many pairs for a difference.",
    "sd": "standard deviation over the seeds: how far single trials lie from their mean.",
    "Paired difference": "a variant minus its reference, taken seed by seed, then averaged.",
    "95 % interval": (
        "a range made by a method that holds the true mean difference 95 times in 100; in the "
        "table each interval is for itself alone."
    ),
    "95 % interval on new images too": (
        "one that also covers the drawing of other test images of the same kind; mostly wider."
    ),
    "Holm p": (
        "how often a difference this large would turn up by luck if there were none (paired t "
        "test), made stricter because several are looked at; the verdict asks for 0.05 or less."
    ),
    "sign-flip p": (
        "the same from a test that assumes no bell curve, Holm's correction included; with few "
        "seeds it cannot get small, so it is shown and decides nothing."
    ),
    "Seeds won": "on how many seeds the variant was the better one; a tie counts half.",
    "BCa": "an interval found by drawing the seeds anew many times over, without a bell curve.",
    "Hedges": (
        "the mean difference in standard deviations of the differences, corrected for few seeds."
    ),
    "found 4 times in 5": "the true difference that a test of this size would find so often.",
    "Equivalent": (
        "two one-sided t tests at 0.05, made stricter by Holm because several variants are looked "
        "at, place the difference within the margin that the sweep named: the whole 90 % interval "
        "at its Holm step lies within it."
    ),
    "FLOPs": "multiplications and additions of one image's way through the network.",
    "Pareto front": (
        "the variants of which no other one is as good and as cheap, and better in one of the two."
    ),
    "Censored": "a trial that had not reached the target when the common budget ended.",
    "Restricted mean": "a mean time in which what is longer than the budget counts as the budget.",
    "Main effect": "what one factor changes, averaged over the levels of the other.",
    "Interaction": "how much the effect of one factor depends on the level of the other.",
    "log odds": "log(accuracy / (1 - accuracy)): a scale without a ceiling at 100 %.",
    "Mean rank": "a variant's place, 1 for the best, averaged over blocks or data sets.",
    "Critical difference": "how far two mean ranks must lie apart to be told apart (Nemenyi).",
    "Gradient norm": "how strongly the loss pulls at a layer's weights.",
    "Dead units": "units whose output changes for no image, so that they cannot learn.",
    "Saturated": "outputs in the flat part of an activation, where gradients are near 0.",
    "Input drift": "how far a layer's inputs moved since the epoch before, in their deviations.",
    "Update ratio": "the length of a step beside that of the weights which it changes.",
    "Diverged": "a trial whose loss became infinite or not a number, and that ended there.",
}
# What of it others' runs do not tell, in words that hold for them.
FOREIGN: Mapping[str, str] = {
    "Trial": "a run in MLflow.",
    "Variant": "what is compared, as the runs name it; here it stands for all its seeds' runs.",
    "Block": "what a comparison is repeated over, as the runs name it.",
    "Seed": "the number by which runs are paired; what it fixes is not known.",
    "n": "how many runs count for a variant, or how many pairs for a difference.",
    "sd": "standard deviation over the seeds: how far single runs lie from their mean.",
}
# Everyday words and letters are explained in the list and over columns, not within sentences.
PLAIN = ("Trial", "Variant", "Block", "Seed", "n", "sd")
COLUMNS = {
    "in sd (Hedges)": "Hedges",
    "saturated outputs": "Saturated",
    "difference": "Paired difference",
    "difference, epochs": "Paired difference",
    "Holm p over all cells": "Holm p",
    "Holm p of equality": "Holm p",
    "BCa bootstrap": "BCa",
    "margin that n could show": "Equivalent",
    "reached": "Censored",
}
_SPACE, _ANY_SPACE = re.escape(" "), "[ \N{NO-BREAK SPACE}]"
_MEANINGS = {word.lower(): word for word in GLOSSARY}
_PATTERN = re.compile(
    "|".join(
        rf"(?<!\w){re.escape(word).replace(_SPACE, _ANY_SPACE)}(?!\w)"
        for word in sorted(GLOSSARY, key=len, reverse=True)
        if word not in PLAIN
    ),
    re.IGNORECASE,
)


def used(text: str, *, foreign: bool = False) -> dict[str, str]:
    """Return the words of the glossary that a text has, with their meanings, in its order.

    Args:
        text: that of a page.
        foreign: whether the page is of others' runs.
    """
    words = {_meaning(found) for found in _PATTERN.findall(text)} | set(PLAIN)
    meanings = {**GLOSSARY, **FOREIGN} if foreign else GLOSSARY
    return {word: meaning for word, meaning in meanings.items() if word in words}


def _meaning(found: str) -> str:
    return _MEANINGS[found.lower().replace("\N{NO-BREAK SPACE}", " ")]


def anchor(word: str) -> str:
    """Return the anchor of a word's entry.

    Example:
        >>> anchor("Holm p")
        'word-holm-p'
    """
    return "word-" + re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")


def explained(text: str) -> Markup:
    """Return a sentence as HTML in which the first of each word leads to its entry."""
    seen: set[str] = set()

    def entry(match: re.Match[str]) -> str:
        word = _meaning(match[0])
        if word in seen:
            return match[0]
        seen.add(word)
        meaning = escape(GLOSSARY[word])
        return f'<a class="term" href="#{anchor(word)}" title="{meaning}">{match[0]}</a>'

    return Markup(_PATTERN.sub(entry, str(escape(text))))


def meant(column: str) -> str:
    """Return the word of the glossary that a column's title stands for, or the title itself."""
    return COLUMNS.get(column) or _MEANINGS.get(column.lower(), column)


def titled(column: str) -> Markup:
    """Return a column's title as HTML, with its meaning on hover where it has one."""
    word, shown = meant(column), escape(column)
    if word not in GLOSSARY:
        return shown
    return Markup('<abbr title="{}">{}</abbr>').format(GLOSSARY[word], shown)
