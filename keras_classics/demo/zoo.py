"""The zoo: the papers' accuracies against operations, all networks as a table, and the stages of each."""

import functools
import math
from collections.abc import Sequence
from typing import Any

from keras_classics import catalogue
from keras_classics.demo import telling
from keras_classics.plots.labels import is_free
from keras_classics.spec import ONE_CROP

WIDTH, HEIGHT = 900, 520  # of the chart, in units of its own
LEFT, RIGHT, TOP, BOTTOM = 58, 20, 16, 46  # its margins
LARGEST, SMALLEST = 24, 4.5  # radii of circles
LETTER = 7.2  # the width of one in a name
FIRST_SHADE, LAST_SHADE = 0.05, 0.8  # of viridis, whose end is too bright to read

SORTS = {
    "accuracy": lambda facts, error: error["top1"],
    "operations": lambda facts, error: facts["macs"],
    "parameters": lambda facts, error: facts["params"],
    "year": lambda facts, error: facts["paper"]["year"],
    "name": lambda facts, error: facts["name"],
}


def data_sets() -> list[str]:
    """Those for which papers report several networks, most of them first."""
    counts: dict[str, int] = {}
    for facts in catalogue.read().values():
        for name in {error["dataset"] for error in facts["reported"] if error["top1"] is not None}:
            counts[name] = counts.get(name, 0) + 1
    return sorted((name for name, count in counts.items() if count > 1), key=lambda name: -counts[name])


def chosen(dataset: str, families: Sequence[str], sort: str, words: str = "") -> list[tuple[dict[str, Any], dict]]:
    """The networks with a reported top-1 error on a data set, each with it, sorted.

    Args:
        dataset: one of `data_sets`.
        families: to keep; none for all.
        sort: one of `SORTS`.
        words: that a network's name must contain, each.
    """
    found = [
        (facts, error)
        for facts in catalogue.read().values()
        if (error := catalogue.figure(facts, dataset))
        and (not families or facts["family"] in families)
        and all(word in facts["name"] for word in words.lower().replace("-", "_").split())
    ]
    return sorted(found, key=lambda pair: SORTS[sort](*pair))


def chart(found: Sequence[tuple[dict, dict]]) -> str:
    """Accuracy against operations as SVG. Circles' areas are parameters and their colours years; hollow ones were
    judged by other views than one crop. Those that none surpasses with as few operations bear their names."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    costs = [math.log10(facts["macs"]) for facts, _ in found]
    rights = [100 - error["top1"] for _, error in found]
    years = sorted({facts["paper"]["year"] for facts, _ in found})
    across = _scale(min(costs), max(costs), LEFT, WIDTH - RIGHT)
    down = _scale(min(rights), max(rights), HEIGHT - BOTTOM, TOP)
    largest = max(facts["params"] for facts, _ in found)
    span = max(1, years[-1] - years[0])
    colours = {y: to_hex(colormaps["viridis"](FIRST_SHADE + LAST_SHADE * (y - years[0]) / span)) for y in years}
    best = frontier(found)
    marks, names, middles = [], [], []
    for facts, error in sorted(found, key=lambda pair: -pair[0]["params"]):  # the small ones on top
        x, y = across(math.log10(facts["macs"])), down(100 - error["top1"])
        radius = max(SMALLEST, LARGEST * math.sqrt(facts["params"] / largest))
        colour, told = colours[facts["paper"]["year"]], telling.escaped(_told(facts, error))
        fill = f'fill="{colour}" fill-opacity="0.75"' if error["views"] == ONE_CROP else 'fill="transparent"'
        marks.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" {fill} stroke="{colour}" stroke-width="2" '
            f'tabindex="0" role="button" data-name="{facts["name"]}" data-told="{told}" aria-label="{told}"></circle>'
        )
        middles.append((x, y))
        if facts["name"] in best:
            names.append((x, y, radius, facts["name"]))
    key = "".join(f'<span><i style="background:{colour}"></i>{year}</span>' for year, colour in colours.items())
    parts = f"{_axes(costs, rights, across, down)}{''.join(marks)}<g class='kc-names'>{_labels(names, middles)}</g>"
    about = f'viewBox="0 0 {WIDTH} {HEIGHT}" role="group" aria-label="Accuracy against operations"'
    return (
        f'<div class="kc-chart"><div class="kc-scroll"><svg {about}>{parts}</svg></div>'
        f'<div class="kc-tip" hidden=""></div><p class="kc-key">{key}<span><i class="kc-hollow"></i>not by one crop'
        "</span><span>areas: parameters</span></p></div>"
    )


def _labels(points, middles) -> str:
    """Names beside circles (x, y, radius, name), each at the nearest place that covers neither another name nor the
    middle of a circle, with a line to those that do not stand right beside theirs."""
    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in middles]
    labels = []
    for x, y, radius, name in sorted(points, key=lambda point: point[1]):
        length = LETTER * len(name)
        places = [
            (side, away, y + 4 + rise)
            for rise in (0, -14, 14, -28, 28, -42, 42, -56, 56, -70, 70)
            for side in (-1, 1)
            for away in (0, 30)
        ]
        boxes = []
        for side, away, foot in places:
            start = x + side * (radius + 5 + away) - (length if side < 0 else 0)
            boxes.append((start, foot - 11, start + length, foot + 3))
        free = (
            i for i, box in enumerate(boxes) if box[0] > LEFT and box[2] < WIDTH and box[1] > 0 and is_free(box, taken)
        )
        chosen = next(free, 0)
        (side, _, foot), box = places[chosen], boxes[chosen]
        taken.append(box)
        if chosen > 1:
            end = box[2] if side < 0 else box[0]
            labels.append(f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{end:.1f}" y2="{foot - 4:.1f}"/>')
        labels.append(f'<text x="{box[0]:.1f}" y="{foot:.1f}" textLength="{length:.0f}">{name}</text>')
    return "".join(labels)


def frontier(found: Sequence[tuple[dict, dict]]) -> set[str]:
    """The names of the networks that are more accurate than all that take as few operations or fewer."""
    names, best = set(), math.inf
    for facts, error in sorted(found, key=lambda pair: (pair[0]["macs"], pair[1]["top1"])):
        if error["top1"] < best:
            best = error["top1"]
            names.add(facts["name"])
    return names


def _told(facts, error) -> str:
    return (
        f"{facts['name']}, {facts['paper']['year']}: {100 - error['top1']:.2f}% right ({error['views']}), "
        f"{facts['macs'] / 1e6:,.0f} million operations, {facts['params'] / 1e6:.1f} million parameters"
    )


def _scale(low, high, start, end):
    margin = 0.06 * (high - low) or 0.5
    low, high = low - margin, high + margin
    return lambda value: start + (end - start) * (value - low) / (high - low)


def _axes(costs, rights, across, down) -> str:
    """Lines and figures: of operations at 1, 2 and 5 of each power of ten, of accuracy at round percents."""
    lines = []
    powers = range(math.floor(min(costs)), math.ceil(max(costs)) + 1)
    for value in (math.log10(step) + power for power in powers for step in (1, 2, 5)):
        x = across(value)
        if LEFT < x < WIDTH - RIGHT:
            lines.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
            text = f"{10**value / 1e6:,.0f}"
            lines.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{text}</text>')
    step = 5 if max(rights) - min(rights) > 12 else 1
    for value in range(0, 101, step):
        y = down(value)
        if TOP < y < HEIGHT - BOTTOM:
            lines.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    lines.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 8}" text-anchor="middle">multiply-adds, millions</text>')
    lines.append(
        f'<text x="16" y="{middle}" text-anchor="middle" transform="rotate(-90 16 {middle})">top-1 accuracy, %</text>'
    )
    return f"<g class='kc-axes'>{''.join(lines)}</g>"


def rows(found: Sequence[tuple[dict, dict]]) -> str:
    """The networks as a table, whose names are buttons."""
    heads = ("network", "year", "top-1 accuracy, %", "by", "multiply-adds, millions", "parameters, millions")
    return telling.table(
        heads,
        [
            (
                f'<button type="button" data-name="{facts["name"]}">{facts["name"]}</button>',
                *(facts["paper"]["year"], f"{100 - error['top1']:.2f}", error["views"]),
                *(f"{facts['macs'] / 1e6:,.0f}", f"{facts['params'] / 1e6:,.1f}"),
            )
            for facts, error in found
        ],
    )


@functools.lru_cache(maxsize=128)
def stages(name: str) -> str:
    """What is known of a network and what each of its stages costs, as HTML. It is built, which takes seconds.

    Raises:
        ClassicsError: if there is none of that name.
    """
    facts = catalogue.find(name)
    from keras_classics import complexity
    from keras_classics.zoo import create_model

    costs = complexity.stage_costs(create_model(facts["name"], seed=0))
    heads = ("stage up to", "output", "stride", "parameters", "multiply-adds, millions", "depth", "sees, pixels")
    table = telling.table(
        heads,
        [
            (
                *(telling.escaped(row.name), "x".join(map(str, row.output_shape)), row.stride or ""),
                *(f"{row.params:,}", f"{row.macs / 1e6:,.1f}", row.depth, row.receptive_field or "all"),
            )
            for row in costs
        ],
    )
    paper = {name: telling.escaped(value) for name, value in facts["paper"].items()}
    departures = "".join(f"<li>{telling.escaped(text)}</li>" for text in facts["departures"])
    return (
        f"<h3>{facts['name']}</h3><p>{paper['authors']}: {paper['title']}. {paper['venue']}, {paper['year']}. "
        f'<a href="{paper["url"]}" target="_blank" rel="noreferrer noopener">{paper["url"]}</a></p>{table}'
        + (f"<p>Where it departs from the paper:</p><ul>{departures}</ul>" if departures else "")
    )


def view(dataset: str, families: Sequence[str], sort: str, words: str) -> tuple[str, str]:
    """The chart and the table, as HTML."""
    found = chosen(dataset, families, sort, words)
    return (chart(found), rows(found)) if found else (telling.note("No network is left; take a filter away."), "")


def tab() -> None:
    """The components of this page; inside gradio's `Blocks`."""
    import gradio as gr

    from keras_classics.demo.assets import text

    known = data_sets()
    families = list(dict.fromkeys(facts["family"] for facts in catalogue.read().values()))
    gr.Markdown("## The zoo\nWhat the papers report. Choose a network, in the chart or in the table, for its stages.")
    with gr.Row():
        dataset = gr.Dropdown(known, value=known[0], label="Data set", min_width=160, elem_id="kc-dataset")
        family = gr.Dropdown(families, value=[], multiselect=True, label="Families", min_width=160, elem_id="kc-family")
        words = gr.Textbox(label="In the name", min_width=160, elem_id="kc-words")
        sort = gr.Dropdown(list(SORTS), value="accuracy", label="Sorted by", min_width=160, elem_id="kc-sort")
    filters = [dataset, family, words, sort]
    plain = {"js_on_load": text("chart.js"), "apply_default_css": False}
    first_chart, first_rows = view(known[0], [], "accuracy", "")
    drawn = gr.HTML(first_chart, elem_id="kc-chart", **plain)
    told = gr.HTML(elem_id="kc-stages", apply_default_css=False)
    table = gr.HTML(first_rows, elem_id="kc-table", **plain)
    quiet = {"api_visibility": "private", "trigger_mode": "always_last"}
    for changed in (dataset.input, family.input, sort.input, words.change):
        changed(
            lambda dataset, families, words, sort: view(dataset, families, sort, words),
            filters, [drawn, table], show_progress="hidden", **quiet,
        )  # fmt: skip

    def chosen_stages(event: gr.EventData):
        return telling.told(stages)(str(event.name))

    show = "() => document.getElementById('kc-stages').scrollIntoView({block: 'nearest', behavior: 'smooth'})"
    for part in (drawn, table):
        part.select(chosen_stages, None, told, **quiet).then(None, js=show)
