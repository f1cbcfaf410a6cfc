"""Shows what is known about a network."""

from rich.markup import escape

from keras_classics import catalogue
from keras_classics.cli.arguments import add_json
from keras_classics.cli.backend import start
from keras_classics.cli.output import answer, console, errors, millions, table, working


def add_arguments(parser):
    parser.add_argument("model", completes=catalogue.read, help="a network's name")
    parser.add_argument("--stages", action="store_true", help="what each stage costs, which works at one stride")
    parser.add_argument("--layers", action="store_true", help="the table of layers")
    add_json(parser)


def run(args):
    facts = catalogue.find(args.model)
    if not args.layers and not args.stages:
        answer(args.json, facts, lambda: show(facts))
        return
    start()
    with working(f"Building {facts['name']}"):
        from keras_classics import complexity
        from keras_classics.zoo import get_model

        variant = get_model(facts["name"])
        model = variant(seed=0)
        stages = complexity.stage_costs(model) if args.stages else []
        layers = complexity.layer_table(model) if args.layers else []
        costs = complexity.row_costs(model, variant.table) if args.layers else []

    def show_all():
        show(facts)
        if stages:
            show_stages(stages)
        if costs:
            show_papers_table(costs)
        if layers:
            show_layers(layers)

    tables = {"stages": [vars(row) for row in stages], "layers": [vars(row) for row in layers]}
    answer(args.json, {**facts, **{kind: rows for kind, rows in tables.items() if rows}}, show_all)


def show(facts):
    paper, protocol = facts["paper"], facts["protocol"]
    normalization = {name: tuple(values) for name, values in protocol["normalization"].items()}
    side = protocol["image_size"]
    lines = [
        f"input       {side}x{side}x{facts['channels']}, {facts['classes']} classes ({protocol['dataset']})",
        f"parameters  {facts['params']:,}",
        f"mult-adds   {millions(facts['macs'])}",
        f"depth       {facts['depth']} layers with kernels",
        f"field       {seen(facts['receptive_field'])} pixels, of a place of the last map",
        f"pixels      (0..255 - {normalization['mean']}) / {normalization['std']}",
        *(f"option      {option}={default}" for option, default in facts["options"].items()),
    ]
    for r in facts["reported"]:
        where = "; ".join(filter(None, (r["source"], r["note"])))
        lines.append(f"reported    {errors(r['top1'], r['top5'])} on {r['dataset']}, {r['views']} ({where})")
    lines += [f"departure   {departure}" for departure in facts["departures"]]
    for w in facts["weights"]:
        form = "".join(f", {option}={value}" for option, value in w["options"].items())
        lines.append(f"weights     {w['tag']}{form}: {errors(w['top1'], w['top5'])} on {w['dataset']} ({w['licence']})")
    published = f"{paper['authors']}: {paper['title']}. {paper['venue']}, {paper['year']}. {paper['url']}"
    console.print(f"[bold]{facts['name']}[/]  {escape(published)}")
    for line in lines:
        console.print(escape(line))


def seen(receptive_field: int | None, sides: int = 2) -> str:
    return "all" if receptive_field is None else "x".join([str(receptive_field)] * sides)


def show_stages(stages):
    made = table(
        ("stage up to", "output"), ("stride", "params", "mult-adds", "activations", "depth", "receptive field")
    )
    for row in stages:
        shape, stride = "x".join(map(str, row.output_shape)), "" if row.stride is None else str(row.stride)
        figures = (f"{row.params:,}", millions(row.macs), f"{row.activations:,}", str(row.depth))
        made.add_row(row.name, shape, stride, *figures, seen(row.receptive_field, 1))
    params, macs, activations = (sum(getattr(r, n) for r in stages) for n in ("params", "macs", "activations"))
    made.add_row("total", "", "", f"{params:,}", millions(macs), f"{activations:,}", "", "")
    console.print(made)


def show_papers_table(costs):
    made = table(("row", "output"), ("its params", "params", "its ops", "mult-adds"), TITLE)
    for row, cost in costs:
        output = "x".join(map(str, row.output))
        if row.output != cost.output_shape:
            output += f" (here {'x'.join(map(str, cost.output_shape))})"
        params = f"{cost.params:,}" if cost.params else ""
        made.add_row(row.name, output, row.params, params, row.ops, millions(cost.macs))
    console.print(made)
    console.print()


TITLE = "The paper's table, and what is counted here"


def show_layers(layers):
    made = table(("layer", "kind", "output"), ("params", "mult-adds", "receptive field"))
    for layer in layers:
        params = f"{layer.params:,}" if layer.params else ""
        shape = "x".join(map(str, layer.output_shape))
        made.add_row(layer.name, layer.kind, shape, params, millions(layer.macs), seen(layer.receptive_field, 1))
    made.add_row("total", "", "", f"{sum(r.params for r in layers):,}", millions(sum(r.macs for r in layers)), "")
    console.print(made)
