"""The notebooks run from their first cell to their last, and are kept without output."""

import pathlib

import nbclient
import nbformat
import pytest

NOTEBOOKS = sorted((pathlib.Path(__file__).parents[2] / "training" / "notebooks").glob("*.ipynb"))
PRINTED = 20_000  # characters of text that a notebook may show


def read(path):
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_begins_with_the_package_and_holds_no_output(path):
    first, *others = (cell for cell in read(path).cells if cell.cell_type == "code")
    assert first.metadata.tags == ["install"]
    assert first.source.startswith("%pip install --quiet keras-classics")
    assert not any("install" in cell.metadata.get("tags", []) for cell in others)
    for cell in (first, *others):
        assert cell.outputs == []
        assert cell.execution_count is None


@pytest.mark.heavy
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path):
    """Without its first cell: the package is here, and there may be no network. A cell that fails ends the test."""
    notebook = read(path)
    notebook.cells = [cell for cell in notebook.cells if "install" not in cell.metadata.get("tags", [])]
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert outputs
    shown = [output.get("text") or output.data.get("text/plain", "") for output in outputs]
    assert sum(map(len, shown)) < PRINTED
    if path.stem == "finetune":
        assert "'seven'" in "".join(shown)
        assert "'nine'" in shown[-1]
