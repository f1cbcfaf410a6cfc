"""Puts the papers' claims to the test."""

from keras_classics.cli.arguments import add_backend, add_data_dir, add_json
from keras_classics.cli.output import answer, console, table
from keras_classics.cli.parser import positive
from keras_classics.errors import ClassicsError


def add_arguments(parser):
    words = parser.add_subparsers(required=True, metavar="command")

    listing = words.add_parser("list", help="lists the experiments")
    listing.set_defaults(of_experiments=_list)
    add_json(listing)

    run = words.add_parser("run", help="carries an experiment out")
    run.set_defaults(of_experiments=_run)
    resume = words.add_parser("resume", help="goes on with one that was stopped, or adds seeds to it")
    resume.set_defaults(of_experiments=_resume)
    report = words.add_parser(
        "report", help="draws and judges anew what was measured; without a name, the README's table"
    )
    report.set_defaults(of_experiments=_report)

    for command in (run, resume):
        command.add_argument("name", help="that `experiment list` prints")
        add_data_dir(command)
        command.add_argument("--arms", nargs="+", metavar="arm", help="run these alone now")
        command.add_argument("--seeds", type=positive, metavar="N", help="how many (default: the design's)")
        command.add_argument("--record", action="store_true", help="write the results into training/results as well")
    report.add_argument("name", nargs="?", help="that `experiment list` prints")
    for command in (run, resume, report):
        command.add_argument(
            "--quick", action="store_true", help="a quarter of the images, half of the epochs: it decides nothing"
        )
        command.add_argument("--out", metavar="folder", help="of the results (default: runs/experiments/<name>)")
    for command in (listing, run, resume, report):
        add_backend(command)


def run(args):
    args.of_experiments(args)


def _list(args):
    from training.experiments import list_experiments
    from training.experiments.report import recorded_verdict

    experiments = list_experiments()
    made = table(("name", "claim"), ("runs", "minutes on 2 cores", "verdict"))
    figures = []
    for e in experiments:
        verdict, runs = recorded_verdict(e), len(e.arms) * (e.seeds + (len(e.rates) if len(e.rates) > 1 else 0))
        made.add_row(e.name, e.claim, str(runs), f"{e.minutes:.0f}", verdict or "not run yet")
        figures.append(
            {
                "name": e.name,
                "claim": e.claim,
                "source": e.source,
                "paper": e.paper_figure,
                "design": e.design,
                "arms": [arm.name for arm in e.arms],
                "runs": runs,
                "minutes": e.minutes,
                "verdict": verdict,
            }
        )
    answer(args.json, figures, lambda: console.print(made))


def _run(args):
    from training.experiments.engine import run

    _carry_out(run, args)


def _resume(args):
    from training.experiments.engine import resume

    _carry_out(resume, args)


def _carry_out(what, args):
    from training.experiments import get_experiment
    from training.experiments.results import ResultFiles, working_folder

    experiment = get_experiment(args.name)
    options = {"is_quick": args.quick, "arms": args.arms, "seeds": args.seeds, "record": args.record}
    verdict = what(experiment, args.data_dir, args.out, **options)
    _show(verdict, ResultFiles(working_folder(experiment, args.out, args.quick), experiment.name))


def _report(args):
    from training.experiments import get_experiment
    from training.experiments.report import anew
    from training.experiments.report import table as readme_table

    if args.name is None:
        if args.out or args.quick:
            raise ClassicsError("--out and --quick are of one experiment; name it. The table is of what is recorded.")
        print(readme_table())
        return
    _show(*anew(get_experiment(args.name), args.out, args.quick))


def _show(verdict, files):
    from training.experiments.verdict import line

    made = table(("what is compared: difference [95% interval]", "verdict"))
    for outcome in verdict.outcomes:
        made.add_row(line(outcome), outcome.verdict)
    console.print(made)
    console.print(f"Verdict: {verdict.sentence}.\nThe page is {files.page}", markup=False)
