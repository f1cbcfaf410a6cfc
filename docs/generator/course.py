"""What the pages of the course ask for: a network's figures in a line, in English or Russian."""

from collections.abc import Mapping
from typing import Any

from generator.network_page import percent
from keras_classics.cli.output import millions

# By the language: the words of the line, and what is told where no figure was drawn.
WORDS = {
    "en": {
        "line": "{params} parameters; {macs} multiply-adds; depth {depth}",
        "error": "; the paper's error {error} ({of})",
    },
    "ru": {
        "line": "параметров {params}; умножений со сложением {macs}; глубина {depth}",
        "error": "; ошибка в статье {error} ({of})",
    },
}
NO_FIGURE = {"en": "This build of the site has no figure", "ru": "В этой сборке сайта рисунка нет"}
# Russian for the protocols and data sets that records name.
RUSSIAN = {
    "1 crop": "1 вырез",
    "1 crop of 320": "1 вырез 320",
    "10 crops": "10 вырезов",
    "12 crops": "12 вырезов",
    "144 crops": "144 выреза",
    "150 crops": "150 вырезов",
    "150 crops and dense, 3 scales": "150 вырезов и плотно, 3 масштаба",
    "dense, 1 scale": "плотно, 1 масштаб",
    "dense, 3 scales": "плотно, 3 масштаба",
    "dense, 5 scales": "плотно, 5 масштабов",
    "zip codes": "почтовые индексы",
}


def short(facts: Mapping[str, Any], page: str, language: str) -> str:
    """A network's parameters, multiply-adds, depth and the first error that its paper reports.

    Args:
        facts: as the catalogue has them.
        page: to which its name leads.
        language: "en" or "ru".
    """
    words = WORDS[language]
    figures = {"params": f"{facts['params']:,}", "macs": millions(facts["macs"]), "depth": facts["depth"]}
    reported = next(iter(facts["reported"]), None)
    of = []
    if reported:
        figures["error"] = " / ".join(
            percent(reported[kind]) for kind in ("top1", "top5") if reported[kind] is not None
        )
        of = [reported["dataset"], reported["views"]]
    if language == "ru":
        figures = {name: _russian(str(figure)) for name, figure in figures.items()}
        of = [RUSSIAN.get(word, word) for word in of]
    line = words["line"] + (words["error"] if reported else "")
    return f"**[{facts['symbols'][0]}]({page})**: {line.format(**figures, of=', '.join(of))}"


def _russian(figure: str) -> str:
    """Thousands apart by a space, decimals behind a comma."""
    return figure.replace(",", "\u00a0").replace(".", ",").replace("M", "\u00a0млн")
