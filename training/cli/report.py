"""What a finished run tells."""

import pathlib

from keras_classics.choices import SAMPLES
from keras_classics.cli.output import console, percent, table


def report(path: pathlib.Path | None) -> None:
    """The errors, how the exports agree, and where all is; nothing in a process that has not judged."""
    if path is None:
        return
    from training.run_data import WORDS
    from training.run_folder import RunFolder

    metrics = RunFolder(path).read_metrics()
    console.print(f"On {metrics['test_images']:,} {WORDS[metrics['test_split']]}:")
    made = table((), ("", "top-1 error", "top-5 error"))
    for which, epoch in (("last", metrics["epochs"]), ("best", metrics["best_epoch"])):
        errors = metrics[which]
        made.add_row(f"{which}, epoch {epoch}", percent(errors["top1_error"]), percent(errors["top5_error"]))
    if metrics["paper_top1_error"] is not None:
        data, paper_data = metrics["settings"]["data"], metrics["settings"]["recipe"]["dataset"]
        sample = f", of which {data} is a sample" if data in SAMPLES else ""
        made.add_row(f"the paper, on {paper_data}{sample}", percent(metrics["paper_top1_error"]), "")
    console.print(made)
    for name, agreement in metrics["exports"].items():
        console.print(
            f"{name}: {agreement['same_answers']:g}% the same answers as Keras on {agreement['images']} images, "
            f"outputs within {agreement['max_abs_error']:.1e}"
        )
    console.print(f"Everything is in {path}", markup=False)
