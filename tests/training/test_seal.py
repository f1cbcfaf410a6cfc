"""Damage to a sealed file is told, wherever it is."""

import zipfile

import pytest

from training.seal import is_whole, read_note, seal


@pytest.fixture
def sealed(tmp_path):
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights", bytes(range(200)))
    assert not is_whole(path)
    seal(path, history=[{"epoch": 1, "loss": 0.1 + 0.2}])
    return path


def test_what_was_sealed_is_whole_and_still_a_zip_file(sealed):
    assert is_whole(sealed)
    assert read_note(sealed, "history") == [{"epoch": 1, "loss": 0.1 + 0.2}]
    with zipfile.ZipFile(sealed) as archive:
        assert archive.testzip() is None
        assert archive.read("weights") == bytes(range(200))


def test_each_flipped_byte_and_each_lost_end_is_told(sealed):
    whole = sealed.read_bytes()
    for i in range(len(whole)):
        sealed.write_bytes(whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :])
        assert not is_whole(sealed), f"byte {i} is flipped"
        sealed.write_bytes(whole[:i])
        assert not is_whole(sealed), f"the file ends at byte {i}"
    sealed.write_bytes(whole)
    assert is_whole(sealed)
    sealed.unlink()
    assert not is_whole(sealed)
