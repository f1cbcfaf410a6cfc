"""Curves over the images a step: which are measured, what they tell, and their picture."""

import json
from dataclasses import replace

import pytest

from keras_classics import benchmark, cli
from keras_classics.benchmark import Benchmark, Times
from keras_classics.benchmark.curve import curve_figures, enough, measured
from keras_classics.benchmark.sides import Side
from keras_classics.errors import ClassicsError

SPEEDS = {
    "keras_classics": {1: 20.0, 2: 24.0, 4: 27.0, 8: 28.0},
    "keras.applications": {1: 16.0, 2: 20.0, 4: 24.0, 8: 28.0},
}


def result(batch, *_, **__):
    """Figures as a benchmark gives them."""
    times = tuple(
        Times(Side(who, "torch", "net"), [batch / speeds[batch]] * 3, peak_bytes=10**9 + 10**8 * batch, macs=10**9)
        for who, speeds in SPEEDS.items()
    )
    return Benchmark("lenet5", "predict", batch, 10**9, 1e12, times)


def test_each_batch_is_measured_once_from_the_smallest_on():
    told = []
    curve = measured([4, 1, 4, 2], result, told.append)
    assert told == ["1 images a step ...", "2 images a step ...", "4 images a step ..."]
    assert [point.batch for point in curve.lines()["keras_classics", "torch"]] == [1, 2, 4]
    assert [point.images_per_second for point in curve.lines()["keras_classics", "torch"]] == pytest.approx(
        [20, 24, 27]
    )
    assert curve.ended is None


def test_the_curve_ends_before_a_batch_that_fails():
    def failing(batch):
        if batch > 2:
            raise ClassicsError("no memory")
        return result(batch)

    curve = measured([1, 2, 4, 8], failing)
    assert ([r.batch for r in curve.results], curve.ended) == ([1, 2], "4 images a step: no memory")
    with pytest.raises(ClassicsError, match="no memory"):
        measured([4, 8], failing)


def test_the_machine_has_one_peak():
    """The best of all batches, so that the shares of two batches compare."""
    peaks = {1: 1e12, 2: 4e12, 4: 2e12}
    curve = measured(peaks, lambda batch: replace(result(batch), peak_flops=peaks[batch]))
    assert [r.peak_flops for r in curve.results] == [4e12] * 3
    shares = [r.share_of_peak(r.times[0]) for r in curve.results]
    assert shares == pytest.approx([2e9 * speed / 4e12 for speed in (20.0, 24.0, 27.0)])


def test_where_a_side_no_longer_grows():
    lines = measured(SPEEDS["keras_classics"], result).lines()
    assert enough(lines["keras_classics", "torch"]) == 4
    assert enough(lines["keras.applications", "torch"]) == 8
    figures = curve_figures(measured([1, 2], result))
    assert (figures["batches"], len(figures["results"])) == ([1, 2], 2)
    assert figures["enough"][0] == {"who": "keras_classics", "backend": "torch", "batch": 2}


@pytest.mark.parametrize("wide", [False, True])
def test_the_command_prints_writes_and_draws_it(wide, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(cli.console, "width", 120 if wide else 100)
    monkeypatch.setattr(benchmark, "benchmark", lambda network, against, backends, batch, *_: result(batch))
    place, picture = tmp_path / "curve.json", tmp_path / "curve.svg"
    cli.main(["benchmark", "lenet5", "--batch", "8", "1", "2", "4", "--json", str(place), "--plot", str(picture)])
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split()[:3] for line in lines if line.split()[1:2] == ["torch"]]
    assert rows == [[who, "torch", batch] for who in SPEEDS for batch in "1248"]
    assert any("1.25 (1.25 to 1.25)" in line for line in lines)
    assert any("of peak" in line for line in lines) == wide
    assert lines[-1] == "peak: 1000 GFLOP/s, a float32 matrix product in NumPy"
    assert "keras_classics on torch no longer grows from 4 images on" in lines
    assert "keras.applications on torch grows to the last batch" in lines
    assert json.loads(place.read_text())["batches"] == [1, 2, 4, 8]
    assert picture.read_text().count("<svg") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("lenet5 --batch 1 2 --first", "A first answer is of one batch"),
        ("lenet5 --batch 0 2", "must be at least 1, not 0"),
        ("lenet5 --batch 2 --plot curve.svg", "A curve needs more than one batch"),
        ("lenet5 --batch 1 2 --plot curve.txt", "must end in .png"),
        ("lenet6 --batch 1 2", "Did you mean 'lenet5'?"),
    ],
)
def test_bad_requests_get_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["benchmark", *arguments.split()])
    assert message in capsys.readouterr().err
