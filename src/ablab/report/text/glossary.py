"""The glossary of a report: definitions, the links to them, and titles of columns."""

import re
from collections.abc import Mapping

from markupsafe import Markup, escape

GLOSSARY: Mapping[str, str] = {
    "Trial": "one training of one configuration with one seed.",
    "Variant": "a setting that the sweep compares, with the trials of all its seeds.",
    "Block": "what a comparison is repeated over: a data set, an architecture, or both.",
    "Seed": "the number that fixes a trial's split, order of images and initial weights.",
    "n": "the number of trials that count for a variant, or of pairs for a difference.",
    "sd": "standard deviation over the seeds.",
    "Paired difference": "the mean over seeds of a variant's value minus its reference's.",
    "95 % interval": (
        "a 95 % t confidence interval of the mean difference: computed by a method that contains "
        "the true mean difference in 95 % of repetitions. In tables it is for one comparison "
        "alone, not adjusted for their number."
    ),
    "95 % interval, new test images": (
        "a 95 % interval that also covers the sampling of other test images of the same kind; "
        "usually wider."
    ),
    "Holm p": (
        "p-value of the paired t test: the probability of a mean difference at least as extreme, "
        "relative to its standard error, as the observed one if the true mean difference were "
        "zero. Adjusted by Holm's method for the number of contrasts that are tested together; "
        "the verdict requires 0.05 or less. For equivalence, the p-value of the two one-sided "
        "tests against the margin, likewise adjusted."
    ),
    "sign-flip p": (
        "p-value of an exact permutation test that flips the signs of the paired differences, "
        "adjusted by Holm's method; it does not assume a normal distribution. With few seeds it "
        "cannot become small, so it is shown for comparison and does not affect the verdict."
    ),
    "Holm-adjusted": (
        "computed at the level that Holm's method gives the contrast, so that the interval and "
        "Holm p agree."
    ),
    "Look": (
        "an analysis of all seeds so far, planned before training. A sweep with looks trains more "
        "seeds only of the variants that its answer still needs."
    ),
    "Alpha spending": (
        "how the error probability of 5 % is divided among the looks: the O'Brien-Fleming type "
        "spends little at the early ones, the Pocock type about the same at each."
    ),
    "Repeated CI": (
        "a confidence interval that is adjusted for the looks: the intervals of all looks contain "
        "the true mean difference together in 95 % of repetitions."
    ),
    "Repeated p-value": (
        "the smallest level at which the repeated interval of a look excludes a difference of zero."
    ),
    "Futility": (
        "the reason to stop an undecided contrast early: by the seeds so far, the last look would "
        "probably not decide it either."
    ),
    "Tuning": (
        "the search of hyper-parameters for each variant before the comparison, on seeds of its "
        "own and by validation images alone."
    ),
    "Importance": (
        "the share of the variance of a search's validation figures that a hyper-parameter "
        "explains, by fANOVA on its finished trials."
    ),
    "Seeds won": "the number of seeds on which the variant was better; a tie counts half.",
    "BCa": (
        "bias-corrected and accelerated bootstrap interval: computed by resampling the seeds, "
        "without assuming a normal distribution."
    ),
    "Hedges' g": (
        "standardized mean difference: the mean of the paired differences divided by their "
        "standard deviation, with Hedges' correction for few seeds."
    ),
    "Minimum detectable difference": (
        "the true mean difference that a test would detect with 80 % power at level 0.05 divided "
        "by the number of contrasts, with the observed spread of the differences."
    ),
    "Detectable margin": (
        "the margin within which equivalence would be shown with 80 % power if there were no "
        "difference, with the observed spread of the differences."
    ),
    "Equivalent": (
        "the difference lies within the margin that the sweep states, by two one-sided t tests at "
        "level 0.05, adjusted by Holm's method: the whole 90 % interval at its Holm step lies "
        "within the margin."
    ),
    "FLOPs": "multiplications and additions of one image's forward pass through the network.",
    "Pareto front": (
        "the variants for which no other variant is at least as good in both quality and cost and "
        "better in one."
    ),
    "Censored": "describes a trial that had not reached the target when the common budget ended.",
    "Restricted mean": "a mean time in which times beyond the budget count as the budget.",
    "Main effect": "the effect of one factor, averaged over the levels of the other.",
    "Interaction": "how much the effect of one factor depends on the level of the other.",
    "log odds": "log(accuracy / (1 - accuracy)): a scale without a ceiling at 100 %.",
    "Mean rank": "a variant's rank, 1 for the best, averaged over blocks or data sets.",
    "Critical difference": (
        "the smallest difference between two mean ranks that Nemenyi's test detects at level 0.05."
    ),
    "Gradient norm": "L2 norm of the gradient of the loss with respect to a layer's parameters.",
    "Dead units": "units whose activation has derivative 0 for every image, so they do not learn.",
    "Saturated": "outputs in the flat part of an activation, where its derivative is near 0.",
    "Input drift": (
        "how far the means of a layer's inputs moved since the previous epoch, in standard "
        "deviations of the inputs."
    ),
    "Update ratio": "norm of an optimizer step divided by the norm of the parameters it changes.",
    "Diverged": "describes a trial that ended because its loss became infinite or not a number.",
}
# Definitions that differ in reports on other MLflow runs, of which less is known.
FOREIGN: Mapping[str, str] = {
    "Trial": "a run in MLflow.",
    "Variant": "what is compared, as the runs name it, with the runs of all its seeds.",
    "Block": "what a comparison is repeated over, as the runs name it.",
    "Seed": "the number by which runs are paired; what it fixes is not known.",
    "n": "the number of runs that count for a variant, or of pairs for a difference.",
    "sd": "standard deviation over the seeds.",
}
# Always listed, and explained over columns; not linked within sentences, where they are frequent.
PLAIN = ("Trial", "Variant", "Block", "Seed", "n", "sd")
COLUMNS = {
    "Hedges' g (paired)": "Hedges' g",
    "saturated outputs": "Saturated",
    "difference": "Paired difference",
    "difference (epochs)": "Paired difference",
    "Holm p (all cells)": "Holm p",
    "Holm p (equivalence)": "Holm p",
    "BCa bootstrap interval": "BCa",
    "minimum detectable difference (80 % power)": "Minimum detectable difference",
    "detectable margin (80 % power)": "Detectable margin",
    "Holm-adjusted interval": "Holm-adjusted",
    "reached": "Censored",
}
_SPACE, _ANY_SPACE = re.escape(" "), "[ \N{NO-BREAK SPACE}]"
_TERMS = {word.lower(): word for word in GLOSSARY}
_PATTERN = re.compile(
    "|".join(
        rf"(?<!\w){re.escape(word).replace(_SPACE, _ANY_SPACE)}(?!\w)"
        for word in sorted(GLOSSARY, key=len, reverse=True)  # the longest match first
        if word not in PLAIN
    ),
    re.IGNORECASE,
)


def terms_in(text: str, *, foreign: bool = False) -> dict[str, str]:
    """Return the terms that a text contains with their definitions, in the glossary's order.

    Args:
        text: that of a page.
        foreign: whether the page is on MLflow runs that ablab did not launch.
    """
    terms = {_term(match) for match in _PATTERN.findall(text)} | set(PLAIN)
    definitions = {**GLOSSARY, **FOREIGN} if foreign else GLOSSARY
    return {term: text for term, text in definitions.items() if term in terms}


def _term(match: str) -> str:
    return _TERMS[match.lower().replace("\N{NO-BREAK SPACE}", " ")]


def anchor(term: str) -> str:
    """Return the anchor of a term's entry.

    Example:
        >>> anchor("Holm p")
        'word-holm-p'
    """
    return "word-" + re.sub(r"[^a-z0-9]+", "-", term.lower()).strip("-")


def link_terms(text: str) -> Markup:
    """Return a text as HTML in which the first occurrence of each term links to its entry."""
    linked: set[str] = set()

    def link(match: re.Match[str]) -> str:
        term = _term(match[0])
        if term in linked:
            return match[0]
        linked.add(term)
        definition = escape(GLOSSARY[term])
        return f'<a class="term" href="#{anchor(term)}" title="{definition}">{match[0]}</a>'

    return Markup(_PATTERN.sub(link, str(escape(text))))


def term_of_column(title: str) -> str:
    """Return the glossary's term for the title of a column, or the title itself."""
    return COLUMNS.get(title) or _TERMS.get(title.lower(), title)


def column_title(title: str) -> Markup:
    """Return the title of a column as HTML, with its definition on hover if it has one."""
    term, shown = term_of_column(title), escape(title)
    if term not in GLOSSARY:
        return shown
    return Markup('<abbr title="{}">{}</abbr>').format(GLOSSARY[term], shown)
