"""Shows what is known about a network."""

from rich.markup import escape

from keras_classics import catalogue
from keras_classics.cli.arguments import add_json
from keras_classics.cli.backend import start
from keras_classics.cli.output import answer, console, errors, millions, table, working


def add_arguments(parser):
    parser.add_argument("model", help="a network's name")
    parser.add_argument("--layers", action="store_true", help="the table of layers")
    add_json(parser)


def run(args):
    facts = catalogue.find(args.model)
    if not args.layers:
        answer(args.json, facts, lambda: show(facts))
        return
    start()
    with working(f"Building {facts['name']}"):
        from keras_classics import complexity
        from keras_classics.zoo import get_model

        variant = get_model(facts["name"])
        model = variant(seed=0)
        layers = complexity.layer_table(model)
        costs = complexity.row_costs(model, variant.table)

    def show_all():
        show(facts)
        if costs:
            show_papers_table(costs)
        show_layers(layers)

    answer(args.json, {**facts, "layers": [vars(layer) for layer in layers]}, show_all)


def show(facts):
    paper, protocol = facts["paper"], facts["protocol"]
    normalization = {name: tuple(values) for name, values in protocol["normalization"].items()}
    side = protocol["image_size"]
    lines = [
        f"input       {side}x{side}x{facts['channels']}, {facts['classes']} classes ({protocol['dataset']})",
        f"parameters  {facts['params']:,}",
        f"mult-adds   {millions(facts['macs'])}",
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
        field = "all" if layer.receptive_field is None else str(layer.receptive_field)
        params = f"{layer.params:,}" if layer.params else ""
        shape = "x".join(map(str, layer.output_shape))
        made.add_row(layer.name, layer.kind, shape, params, millions(layer.macs), field)
    made.add_row("total", "", "", f"{sum(r.params for r in layers):,}", millions(sum(r.macs for r in layers)), "")
    console.print(made)
