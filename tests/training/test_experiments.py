"""The engine of experiments, on arms whose results are known beforehand and on a network that trains for seconds."""

import csv
import dataclasses
import json
import math
import os
import pathlib
import random
import signal
import statistics
import subprocess
import sys
import time
from functools import partial

import keras
import pytest
from interrupted import stopped_in_epoch
from made_up_experiments import ALIKE, DIFFERENT, WORSE, arm, made_up

import keras_classics as kc
from keras_classics.blocks import conv
from keras_classics.zoo import get_model, guests, list_models, variant_of
from training import cli as command
from training.experiments import NAMES, engine, intervals, list_experiments, report, results
from training.experiments.design import Arm, Comparison, Experiment, described
from training.experiments.judging import of_diverged
from training.experiments.measures import TEST_ERROR, TRAIN_ERROR, VALIDATION_ERROR, At, Measure, Reach, reached
from training.experiments.networks import network
from training.experiments.progress import seconds_left
from training.experiments.results import ResultFiles
from training.experiments.verdict import CONFIRMED, FEW, REFUTED, UNDECIDED, figure, judged, line, misses
from training.recipe import SGD, Recipe, Steps

TESTS = pathlib.Path(__file__).parents[1]


def runs_of(experiment, seeds):
    return [
        {
            **{"arm": a.name, "seed": seed, "rate": None, "search": False, "diverged": False, "epochs": 0},
            **{"seconds": 1.0, "curve": {}, "metrics": a.carry_out(seed, None)},
        }
        for seed in range(seeds)
        for a in experiment.arms
    ]


@pytest.mark.parametrize(
    ("experiment", "seeds", "word"),
    [
        (DIFFERENT, 5, CONFIRMED),
        (WORSE, 5, REFUTED),
        (ALIKE, 5, UNDECIDED),
        (DIFFERENT, 2, FEW),
        (DIFFERENT, 0, FEW),
        (made_up(arm("old", 12.0), arm("new", 10.0), least=1.0), 5, CONFIRMED),
        (made_up(arm("old", 12.0), arm("new", 10.0), least=3.0), 5, REFUTED),
        (made_up(arm("old", 10.0), arm("new", 10.0 + 1e-9), least=-1.0), 5, CONFIRMED),  # it is no worse
    ],
)
def test_the_verdict_is_what_the_arms_are(experiment, seeds, word):
    """The seeds move both arms of a pair by 5 points, far more than the arms differ: the pairs take that out."""
    assert judged(experiment, runs_of(experiment, seeds)).word == word


def test_no_difference_is_seldom_taken_for_one():
    """Of a hundred experiments whose arms do not differ, some five leave 0 out of an interval of 95%."""
    decided = 0
    for trial in range(100):
        rng = random.Random(trial)
        runs = [
            {**run, "metrics": {"test_error": rng.gauss(10, 1)}}  # the arms are alike
            for run in runs_of(DIFFERENT, 5)
        ]
        decided += judged(DIFFERENT, runs).word != UNDECIDED
    assert 0 < decided < 13


def test_one_comparison_refutes_and_all_confirm():
    arms = (arm("old", 12.0), arm("middle", 11.0), arm("new", 10.0))

    def word(*pairs):
        made = made_up(*arms, comparisons=tuple(Comparison(*pair, TEST_ERROR) for pair in pairs))
        return judged(made, runs_of(made, 5)).word

    assert word(("old", "middle"), ("middle", "new")) == CONFIRMED
    assert word(("old", "middle"), ("new", "middle")) == REFUTED


def test_the_quick_form_decides_nothing():
    verdict = judged(DIFFERENT, runs_of(DIFFERENT, 5), is_quick=True)
    assert verdict.word == UNDECIDED
    assert "quick form" in verdict.sentence
    assert verdict.outcomes[0].verdict == CONFIRMED  # what it points to is told all the same


def test_an_arm_that_learned_nothing_confirms_no_claim_on_what_was_learned():
    """A network that died in its first steps errs most on the test images too, which is no effect of what it lacks."""
    made = made_up(*DIFFERENT.arms, comparisons=(Comparison("old", "new", TEST_ERROR),))
    runs = runs_of(made, 5)
    for run in runs:
        run["metrics"]["train_error"] = 20.0
    assert judged(made, runs).word == CONFIRMED
    (dead,) = (run for run in runs if (run["arm"], run["seed"]) == ("old", 3))
    dead["metrics"].update(train_error=89.9, test_error=90.0)
    verdict = judged(made, runs)
    assert verdict.word == UNDECIDED
    assert line(verdict.outcomes[0]).endswith("(1 run learned nothing, and so this decides nothing)")
    made = made_up(*DIFFERENT.arms, comparisons=(Comparison("old", "new", TRAIN_ERROR),))
    for run in runs:
        run["metrics"]["train_error"] = 89.9 if run["arm"] == "old" else 20.0 + run["seed"]
    assert judged(made, runs).word == CONFIRMED  # that it stalls may be the claim


def test_nobody_comes_sooner_to_a_level_that_nobody_learned():
    """The other network's best error is the level; where that one died, anything is there at once."""
    sooner = Reach("epochs", "epochs", "epochs", VALIDATION_ERROR, None, "old")
    made = made_up(*DIFFERENT.arms, comparisons=(Comparison("old", "new", sooner, least=1.0, ratio=True),))
    runs = runs_of(made, 3)
    for run in runs:
        falls = 30.0 if run["arm"] == "new" else 10.0
        curve = [90.0 - falls, 80.0 - falls - run["seed"] / 10, 70.0 - falls, 60.0]
        run.update(epochs=4, curve={VALIDATION_ERROR: curve}, metrics={"train_error": 40.0})
    assert judged(made, runs).word == CONFIRMED
    for run in runs:
        if run["arm"] == "old":
            run.update(curve={VALIDATION_ERROR: [90.0, 89.9, 89.9, 89.9]}, metrics={"train_error": 90.0})
    (outcome,) = judged(made, runs).outcomes
    assert (outcome.verdict, outcome.stalled) == (UNDECIDED, 3)


def test_ratios_are_of_pairs():
    made = made_up(*DIFFERENT.arms, comparisons=(Comparison("old", "new", TEST_ERROR, least=2.0, ratio=True),))
    runs = [{**run, "metrics": {"test_error": (run["seed"] + 1) * 3.0}} for run in runs_of(made, 4)]
    for run in runs:
        run["metrics"]["test_error"] /= 3.0 if run["arm"] == "new" else 1 + 1e-3 * run["seed"]
    (outcome,) = judged(made, runs).outcomes
    assert outcome.effect.mean == pytest.approx(3.0, rel=2e-3)
    assert outcome.verdict == CONFIRMED
    assert outcome.said.startswith("3.00 times [2.99, 3.00]")


@pytest.mark.parametrize("number", [2, 3, 4, 5, 10, 31])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_intervals_are_scipys(number, confidence):
    stats = pytest.importorskip("scipy.stats", reason="SciPy, which the tests need alone, is not there")
    rng = random.Random(number)
    values = [rng.gauss(3, 2) for _ in range(number)]
    ours = intervals.interval(values, confidence)
    middle, error = statistics.fmean(values), stats.sem(values)
    assert ours[1:3] == pytest.approx(stats.t.interval(confidence, number - 1, middle, error), rel=1e-9)
    assert intervals.quantile((1 + confidence) / 2, number - 1) == pytest.approx(
        stats.t.ppf((1 + confidence) / 2, number - 1), rel=1e-9
    )


def test_an_interval_of_one_value_has_no_end():
    assert intervals.interval([2.0]) == (2.0, -math.inf, math.inf, 1)


@pytest.mark.parametrize(
    ("old", "new", "level", "word", "missed"),
    [
        ([60.0, 30.0, 20.0, 10.0], [30.0, 20.0, 10.0, 5.0], 25.0, CONFIRMED, (0, 0)),
        ([80.0, 70.0, 60.0, 50.0], [30.0, 20.0, 10.0, 5.0], 25.0, CONFIRMED, (5, 0)),  # at least so much later
        ([80.0, 70.0, 60.0, 50.0], [60.0, 50.0, 40.0, 20.0], 25.0, UNDECIDED, (5, 0)),  # how much later is not known
        ([60.0, 50.0, 40.0, 20.0], [80.0, 70.0, 60.0, 50.0], 25.0, REFUTED, (0, 5)),
        ([80.0, 70.0, 60.0, 50.0], [80.0, 70.0, 60.0, 50.0], 25.0, UNDECIDED, (5, 5)),
    ],
)
def test_a_run_that_never_comes_to_the_level_bounds_on_one_side_alone(old, new, level, word, missed):
    reach = Reach("epochs", "epochs", "epochs", VALIDATION_ERROR, level)
    made = made_up(*DIFFERENT.arms, comparisons=(Comparison("old", "new", reach, least=1.5, ratio=True),))
    runs = runs_of(made, 5)
    for run in runs:
        shift = run["seed"] / 100
        curve = [error + shift for error in (old if run["arm"] == "old" else new)]
        run.update(epochs=4, curve={VALIDATION_ERROR: curve}, metrics={"train_error": 20.0})
    (outcome,) = judged(made, runs).outcomes
    assert (outcome.verdict, outcome.missed) == (word, missed)
    words = [f"5 runs of {name}" for name, count in zip(("old", "new"), missed, strict=True) if count]
    assert line(outcome).count(" and ".join(words) or "times") == 1
    assert misses(reach, "old", runs) == set(range(missed[0]))


def test_a_run_that_diverged_has_every_measure_of_one_that_guesses():
    """A pair that lacked one would leave the comparison in silence."""
    assert of_diverged(10) == {
        **{"test_error": 90.0, "train_error": 90.0, "gap": 0.0, "calibration_error": 0.0},
        **{"test_loss": math.log(10), "train_loss": math.log(10)},
    }
    assert {m.key for e in list_experiments() for m in e.measures if type(m) is Measure} <= of_diverged(10).keys()


def test_when_a_curve_comes_to_a_level():
    assert reached([60.0, 30.0, 20.0], 30.0) == 2.0
    assert reached([60.0, 30.0, 20.0], 45.0) == 1.5
    assert reached([60.0, 30.0], 25.0) is None
    assert reached([40.0], 65.0) == 0.5  # from the 90% of guessing
    assert reached([40.0], 90.0) == reached([80.0, 20.0], 90.3) == 1.0  # which a network has before it is trained
    measure = Reach("epochs", "epochs", "epochs", VALIDATION_ERROR, None, "old")
    old, new = ({"epochs": 3, "curve": {VALIDATION_ERROR: curve}} for curve in ([80.0, 50.0, 60.0], [50.0, 40.0, 30.0]))
    assert measure.of(old, {"old": old, "new": new}) == 2.0
    assert measure.of(new, {"old": old, "new": new}) == 1.0
    assert measure.misses({"epochs": 3, "curve": {VALIDATION_ERROR: [70.0]}}, {"old": old})
    assert measure.of(new, {"new": new}) is None
    assert At("early", "early", curve=VALIDATION_ERROR, epoch=2).of(new, {}) == 40.0


@pytest.mark.parametrize(("value", "text"), [(0.0, "0.00"), (-0.001, "-0.0010"), (12.345, "12.35"), (math.inf, "∞")])
def test_figures_have_digits_that_say_something(value, text):
    assert figure(value) == text


def test_an_experiment_runs_to_its_page(tmp_path, capsys):
    verdict = engine.run(DIFFERENT, out=str(tmp_path))
    assert verdict.word == CONFIRMED
    assert sorted(os.listdir(tmp_path)) == ["made_up.csv", "made_up.json", "made_up.md", "made_up.png"]
    said = capsys.readouterr().out.splitlines()
    assert "run 1 of 10: old, seed 0: test error" in "\n".join(said)
    assert said[-1].startswith("run 10 of 10: new, seed 4: test error")
    page = (tmp_path / "made_up.md").read_text("utf-8")
    for part in (
        "# The new arm errs less.",
        "*Nobody, figure 0: 2 points.*",
        "**Verdict: confirmed.**",
        "![The new arm errs less.](made_up.png)",
        "**Design.** Errors are drawn. Nothing is trained. 100 training images of mnist_sample, and 100 test "
        "images; 5 seeds.",
        "| test error: old minus new | ",
        "`python -m training experiment run made_up --data-dir <folder>`",
    ):
        assert part in page
    with open(tmp_path / "made_up.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["arm"], row["seed"]) for row in rows[:3]] == [("old", "0"), ("new", "0"), ("old", "1")]
    saved = json.loads((tmp_path / "made_up.json").read_text())
    assert saved["verdict"]["word"] == CONFIRMED
    assert float(rows[0]["test_error"]) == saved["runs"][0]["metrics"]["test_error"]
    assert (tmp_path / "made_up.png").read_bytes().startswith(b"\x89PNG")


def test_more_seeds_and_more_arms_join_what_is_there(tmp_path, monkeypatch):
    log = tmp_path / "log"
    monkeypatch.setenv("MADE_UP_LOG", str(log))
    facts = engine.environment()
    monkeypatch.setattr(engine, "environment", lambda: facts | {"commit": "a" * 40})
    assert engine.run(DIFFERENT, out=str(tmp_path / "out"), seeds=2).word == FEW
    monkeypatch.setattr(engine, "environment", lambda: facts | {"commit": "b" * 40})
    assert engine.resume(DIFFERENT, out=str(tmp_path / "out"), seeds=3, arms=["new"]).word == FEW
    assert engine.resume(DIFFERENT, out=str(tmp_path / "out"), seeds=5).word == CONFIRMED
    done = log.read_text().splitlines()
    assert len(done) == len(set(done)) == 10
    assert f"commits {'a' * 10}, {'b' * 10}. Design" in (tmp_path / "out" / "made_up.md").read_text()


def test_a_killed_experiment_repeats_nothing(tmp_path, monkeypatch):
    """It is killed in its fourth run of ten, by a signal that lets it do nothing more."""
    log = tmp_path / "log"
    program = f"""
from made_up_experiments import DIFFERENT
from training.experiments import engine
engine.run(DIFFERENT, out={str(tmp_path / "out")!r})
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": f"{TESTS}:{TESTS.parent}", "MADE_UP_LOG": str(log), "MADE_UP_SECONDS": "0.5"},
        stdout=subprocess.DEVNULL,
    )
    until = time.monotonic() + 120
    while not (log.exists() and len(log.read_text().splitlines()) == 4) and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = json.loads((tmp_path / "out" / "made_up.json").read_text())["runs"]
    assert len(before) == 3
    monkeypatch.setenv("MADE_UP_LOG", str(log))
    engine.resume(DIFFERENT, out=str(tmp_path / "out"))
    after = json.loads((tmp_path / "out" / "made_up.json").read_text())["runs"]
    assert after[:3] == before
    done = log.read_text().splitlines()
    assert len(done) == 11  # the fourth had been begun
    assert done[3] == done[4]
    assert len(set(done)) == 10


RECIPE = Recipe(
    name="",
    model="",
    dataset="mnist",
    paper=kc.LeNet5.paper,
    epochs=2,
    batch_size=50,
    optimizer=SGD(momentum=0.9),
    schedule=Steps((0.05,)),
    hold_out=0,
)
TINY = network(
    "tiny", kc.LeNet5.paper, partial(conv, filters=4, kernel_size=3, strides=4, name="conv1"),
    protocol=kc.LeNet5.protocol, channels=1,
)  # fmt: skip


def trained(**changes) -> Experiment:
    """A tiny network on 100 images, at a rate and at one at which it learns nothing."""
    arms = (Arm("slow", TINY, {"schedule": Steps((1e-9,))}), Arm("fast", TINY))
    options = {
        **{"name": "trained", "claim": "Rates matter.", "source": "s", "paper_figure": "p", "design": "d."},
        **{"varies": ("schedule",), "data": "mnist_sample", "limit": 100, "seeds": 1, "recipe": RECIPE},
        **{"arms": arms, "comparisons": (Comparison("slow", "fast", TRAIN_ERROR),)},
    }
    return Experiment(**{**options, **changes})


def without_times(folder):
    runs = json.loads((folder / "trained.json").read_text())["runs"]
    return [{name: value for name, value in run.items() if name != "seconds"} for run in runs]


def test_a_training_that_was_stopped_goes_on_and_ends_as_if_it_had_not_been(tmp_path):
    """In its second epoch."""
    experiment, arms = trained(), ["fast"]
    engine.run(experiment, out=str(tmp_path / "straight"), arms=arms)
    told = r"^Stopped. Go on with: python -m training experiment resume trained --arms fast .*--out .*stopped$"
    with stopped_in_epoch(1), pytest.raises(kc.ClassicsError, match=told):
        engine.run(experiment, out=str(tmp_path / "stopped"), arms=arms)
    assert sorted(os.listdir(tmp_path / "stopped" / "fast-seed0")) == [
        *("best.keras", "checkpoint-1.keras", "history.csv", "last.keras", "recipe.json")
    ]
    verdict = engine.resume(experiment, out=str(tmp_path / "stopped"), arms=arms)
    runs = without_times(tmp_path / "straight")
    assert without_times(tmp_path / "stopped") == runs
    assert sorted(os.listdir(tmp_path / "stopped")) == [f"trained.{e}" for e in ("csv", "json", "md", "png")]
    assert verdict.word == FEW
    (run,) = runs
    assert len(run["curve"]["training error"]) == 2


def test_the_best_of_several_rates_is_chosen_by_a_run_of_its_own_and_a_divergence_is_a_result(tmp_path, monkeypatch):
    def by_the_history(recipe, data, folder, history):
        return {"train_error": 100 * (1 - history[-1]["accuracy"]), "train_loss": history[-1]["loss"]}

    monkeypatch.setattr(engine, "judge", by_the_history)
    experiment = trained(rates=(1e30, 0.05), arms=(Arm("hard", TINY), Arm("soft", TINY, {"label_smoothing": 0.1})))
    experiment = dataclasses.replace(
        experiment, varies=("label_smoothing",), comparisons=(Comparison("hard", "soft", TRAIN_ERROR),)
    )
    engine.run(experiment, out=str(tmp_path), arms=["soft"])
    *searches, run = json.loads((tmp_path / "trained.json").read_text())["runs"]
    assert [(s["arm"], s["rate"], s["diverged"]) for s in searches] == [*(("soft", 1e30, True), ("soft", 0.05, False))]
    assert searches[0]["metrics"]["test_error"] == 90.0
    assert searches[0]["curve"]["training error"] == [90.0, 90.0]
    assert {s["seed"] for s in searches} == {1000}
    assert all(s["search"] for s in searches)
    assert (run["search"], run["seed"], run["rate"]) == (False, 0, 0.05)
    assert "| rate |" in (tmp_path / "trained.md").read_text("utf-8")


def test_networks_that_are_in_no_zoo_are_known_while_an_experiment_runs_alone():
    guest = network("a_guest", kc.LeNet5.paper, kc.ResNet20.features)
    with guests([guest]):
        assert get_model("a_guest") is guest
        assert "a_guest" not in list_models()
        model = get_model("a_guest")(seed=0)
        assert variant_of(model) is guest
        other = dataclasses.replace(guest, name="resnet20")
        with pytest.raises(kc.ClassicsError, match="another network of the name 'resnet20'"), guests([other]):
            pass
    with pytest.raises(kc.ClassicsError, match="Unknown model 'a_guest'"):
        get_model("a_guest")


@pytest.mark.parametrize(
    ("experiment", "message"),
    [
        (made_up(arm("old", 10.0), arm("new", 10.0)), "The arms 'old' and 'new' of 'made_up' differ in nothing"),
        (made_up(arm("a", 10.0), arm("A", 12.0)), "Two arms of 'made_up' have the name 'a'"),
        (
            trained(varies=("label_smoothing",)),
            "'slow' and 'fast' of 'trained' differ in schedule as well, and the design says label_smoothing alone",
        ),
        (trained(comparisons=(Comparison("slaw", "fast", TRAIN_ERROR),)), "of trained 'slaw'. Did you mean 'slow'"),
        (dataclasses.replace(DIFFERENT, data="no_such_set"), "no_such_set"),
    ],
)
def test_what_cannot_be_told_ends_in_a_line_before_time_is_spent(experiment, message, tmp_path):
    with pytest.raises(kc.ClassicsError, match=message) as told:
        engine.run(experiment, out=str(tmp_path / "out"))
    assert "\n" not in str(told.value)
    assert not (tmp_path / "out").exists()


def test_unknown_arms_experiments_and_results(tmp_path, capsys):
    with pytest.raises(kc.ClassicsError, match=r"Unknown arm of made_up 'neu'. Did you mean 'new'\?"):
        engine.run(DIFFERENT, out=str(tmp_path / "out"), arms=["neu"])
    with pytest.raises(kc.ClassicsError, match="no results of 'made_up' in .*; run it first"):
        engine.resume(DIFFERENT, out=str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    with pytest.raises(SystemExit):
        command.main(["experiment", "run", "deapth"])
    assert "Unknown experiment 'deapth'. Did you mean 'depth'?" in capsys.readouterr().err


def test_how_to_go_on_says_all_that_was_asked_for():
    told = results.command("resume", DIFFERENT, "jax", "my out", is_quick=True, arms=["old", "new"], record=True)
    options = "--quick --arms old new --record --backend jax --out 'my out'"
    assert told == f"python -m training experiment resume made_up {options}"
    assert "--backend" not in results.command("resume", DIFFERENT, "tensorflow")


def test_what_another_process_has_added_meanwhile_is_not_overwritten(tmp_path, monkeypatch):
    engine.run(DIFFERENT, out=str(tmp_path), seeds=1)
    sizes = engine._sizes

    def meanwhile(experiment):
        monkeypatch.setattr(engine, "_sizes", sizes)
        engine.resume(DIFFERENT, out=str(tmp_path), seeds=2)
        return sizes(experiment)

    monkeypatch.setattr(engine, "_sizes", meanwhile)
    with pytest.raises(kc.ClassicsError, match="Another process has added to .*made_up.json' meanwhile; go on with: p"):
        engine.resume(DIFFERENT, out=str(tmp_path), seeds=3)
    assert len(ResultFiles(tmp_path, "made_up").read(DIFFERENT)["runs"]) == 4


def test_results_of_another_design_are_refused(tmp_path):
    engine.run(DIFFERENT, out=str(tmp_path))
    go_on = results.command("resume", DIFFERENT, keras.config.backend(), str(tmp_path), arms=["new"], record=True)
    with pytest.raises(kc.ClassicsError, match=f"results are never overwritten; go on with it: {go_on}, or"):
        engine.run(DIFFERENT, out=str(tmp_path), arms=["new"], record=True)
    before = (tmp_path / "made_up.json").read_bytes()
    for other in (
        made_up(arm("old", 12.5), arm("new", 10.0)),
        made_up(arm("old", 12.0), arm("new", 10.0), least=1.0),
        dataclasses.replace(DIFFERENT, limit=200),
    ):
        with pytest.raises(kc.ClassicsError, match=r"of another version of the design.*are not merged; move it away"):
            engine.resume(other, out=str(tmp_path))
    with pytest.raises(kc.ClassicsError, match="is not of the quick form; leave out --quick"):
        engine.resume(DIFFERENT, out=str(tmp_path), is_quick=True)
    assert (tmp_path / "made_up.json").read_bytes() == before
    (tmp_path / "made_up.json").write_text("{")
    with pytest.raises(kc.ClassicsError, match="cannot be read"):
        engine.resume(DIFFERENT, out=str(tmp_path))
    (tmp_path / "made_up.json").write_text("[]")
    with pytest.raises(kc.ClassicsError, match="holds no results of 'made_up'"):
        engine.resume(DIFFERENT, out=str(tmp_path))


def test_the_version_follows_from_what_results_follow_from_alone():
    """Words, the number of seeds and another place of a function change nothing; a value, a rate or a network does."""
    version = trained().version
    same = {"claim": "Other words.", "design": "Other.", "seeds": 9, "minutes": 7.0, "paper_figure": "9"}
    assert trained(**same).version == version
    faster = dataclasses.replace(RECIPE, schedule=Steps((0.06,)))
    for changes in ({"recipe": faster}, {"limit": 200}, {"rates": (0.1, 0.2)}, {"data": "mnist"}):
        assert trained(**changes).version != version
    assert trained().quick.version != version
    words = dataclasses.replace(RECIPE, departures=("Something.",), name="another")
    assert trained(recipe=words).version == version
    assert "departures" not in described(trained(), trained().arms[0])


def test_the_quick_form_is_a_fraction():
    quick = trained(limit=8000, seeds=5, rates=(0.1, 0.3, 0.2), recipe=dataclasses.replace(RECIPE, epochs=30)).quick
    assert (quick.limit, quick.seeds, quick.rates, quick.recipe.epochs) == (2000, 3, (0.2,), 15)


def test_the_time_left_is_that_of_the_arms():
    runs = [{"arm": "old", "seconds": 10.0}, {"arm": "new", "seconds": 30.0}, {"arm": "old", "seconds": 20.0}]
    assert seconds_left(["old"], []) is None
    assert seconds_left(["old", "new", "third"], runs) == pytest.approx(15 + 30 + 20)


def test_a_run_that_was_begun_on_another_backend_does_not_go_on(tmp_path):
    engine.run(DIFFERENT, out=str(tmp_path))
    saved = json.loads((tmp_path / "made_up.json").read_text())
    (tmp_path / "made_up.json").write_text(json.dumps({**saved, "backend": "another"}))
    with pytest.raises(kc.ClassicsError, match="begun on another and cannot be resumed on .*; add --backend another"):
        engine.resume(DIFFERENT, out=str(tmp_path))


def test_the_readmes_table_is_of_what_is_recorded(tmp_path, monkeypatch):
    for module in (engine, report, results):
        monkeypatch.setattr(module, "RECORDED", tmp_path / "recorded")
    monkeypatch.setattr(report, "NAMES", ("worse", "made_up"))
    monkeypatch.setattr(report, "get_experiment", {"made_up": DIFFERENT, "worse": WORSE}.get)
    not_yet = "| The new arm errs less. (`made_up`) | 2 points | | not run yet |"
    assert report.table().splitlines() == [*report.HEAD, not_yet, not_yet]
    engine.run(DIFFERENT, str(tmp_path), out=str(tmp_path / "out"), record=True)
    *_, before, row = report.table().splitlines()
    assert before == not_yet
    page = "[The new arm errs less.](training/results/experiments/made_up.md) (`made_up`)"
    assert row.startswith(f"| {page} | 2 points | test error: old minus new: ")
    assert row.endswith("] | confirmed |")
    kept = ResultFiles(tmp_path / "recorded", "made_up").read(DIFFERENT)
    assert len(kept["runs"]) == 10
    assert kept["data_dir"] is None  # a place on this machine
    assert report.recorded_verdict(DIFFERENT) == CONFIRMED
    (tmp_path / "recorded" / "gone.json").write_text("{}")
    with pytest.raises(kc.ClassicsError, match="is of no experiment that there is"):
        report.table()


def test_what_is_recorded_is_not_overwritten_by_less(tmp_path, monkeypatch):
    for module in (engine, report, results):
        monkeypatch.setattr(module, "RECORDED", tmp_path / "recorded")
    engine.run(DIFFERENT, out=str(tmp_path / "few"), seeds=3, record=True)
    engine.run(DIFFERENT, out=str(tmp_path / "all"), record=True)
    kept = (tmp_path / "recorded" / "made_up.json").read_text()
    with pytest.raises(kc.ClassicsError, match="holds 10 runs and is not overwritten by the quick form's"):
        engine.run(DIFFERENT, out=str(tmp_path / "quick"), is_quick=True, record=True)
    with pytest.raises(kc.ClassicsError, match="holds 10 runs and is not overwritten by 6 alone"):
        engine.run(DIFFERENT, out=str(tmp_path / "less"), seeds=3, record=True)
    assert not (tmp_path / "quick").exists()
    assert (tmp_path / "recorded" / "made_up.json").read_text() == kept
    engine.resume(DIFFERENT, out=str(tmp_path / "all"), record=True)


def test_the_page_has_the_command_of_all_seeds_that_it_rests_on(tmp_path):
    """Also after it went on with fewer."""
    engine.run(DIFFERENT, out=str(tmp_path), seeds=4)
    engine.resume(DIFFERENT, out=str(tmp_path), seeds=2)
    page = (tmp_path / "made_up.md").read_text("utf-8")
    assert "; 4 seeds." in page
    assert "run made_up --seeds 4 --data-dir" in page


def test_a_table_of_all_has_no_form_or_folder_of_one(capsys):
    for words in (["--quick"], ["--out", "folder"]):
        with pytest.raises(SystemExit):
            command.main(["experiment", "report", *words])
        assert "--out and --quick are of one experiment; name it." in capsys.readouterr().err


def test_the_commands_list_run_and_report(tmp_path, capsys, monkeypatch):
    command.main(["experiment", "list", "--json", "-"])
    listed = json.loads(capsys.readouterr().out)
    assert [experiment["name"] for experiment in listed] == list(NAMES)
    assert all(experiment["verdict"] is None or isinstance(experiment["verdict"], str) for experiment in listed)
    monkeypatch.setattr("training.experiments.get_experiment", lambda name: DIFFERENT)
    out = ["--out", str(tmp_path / "out")]
    command.main(["experiment", "run", "made_up", "--seeds", "3", *out])
    said = capsys.readouterr().out
    assert "Verdict: confirmed.\nThe page is " in said
    assert "run 6 of 6" in said
    (tmp_path / "out" / "made_up.md").unlink()
    command.main(["experiment", "report", "made_up", *out])
    assert (tmp_path / "out" / "made_up.md").exists()
    with pytest.raises(SystemExit):
        command.main(["experiment", "report", "made_up", "--out", str(tmp_path)])
    assert "There are no results of 'made_up'" in capsys.readouterr().err


@pytest.mark.every_backend
def test_an_arm_is_trained_and_judged_on_every_backend(tmp_path):
    experiment = trained(recipe=dataclasses.replace(RECIPE, epochs=1))
    engine.run(experiment, out=str(tmp_path), arms=["fast"])
    saved = json.loads((tmp_path / "trained.json").read_text())
    assert saved["backend"] == keras.config.backend()
    assert saved["arms"]["fast"] == {"params": 9 * 4 + 4 * 10 + 10, "macs": 8 * 8 * 9 * 4 + 4 * 10}
    (run,) = saved["runs"]
    assert 0 < run["metrics"]["train_error"] <= 100
    assert {"test_error", "gap", "test_loss", "train_loss", "calibration_error"} < set(run["metrics"])
