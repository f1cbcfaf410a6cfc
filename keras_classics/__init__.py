"""The classic image classifiers in Keras 3: built, trained, judged and shipped as their papers did.

A name is imported when it is first asked for, so that `import keras_classics` imports neither Keras nor NumPy. The
types of the names are in `__init__.pyi`, which `python -m keras_classics.stub` writes.
"""

import importlib
import importlib.util
from typing import Any

from keras_classics.errors import unknown

__version__ = "0.1.0"

# The public names beside the builders, which are in `zoo.BUILDERS`; and the modules that have them.
_MODULES = {
    "ClassicsError": "errors",
    "Variant": "variant",
    "create_model": "zoo",
    "decode_predictions": "preprocessing",
    "evaluate": "evaluation",
    "export": "exporting",
    "feature_pyramid": "pyramid",
    "freeze": "fine_tuning",
    "fuse": "fusion",
    "get_model": "zoo",
    "grad_cam": "gradcam",
    "list_models": "zoo",
    "load": "loading",
    "load_export": "exported",
    "predict": "prediction",
    "preprocess_input": "zoo",
    "to_fully_convolutional": "fully_convolutional",
}


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return [*_MODULES, *_builders()]
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _MODULES:
        value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    elif importlib.util.find_spec(f"{__name__}.{name}"):
        return importlib.import_module(f"{__name__}.{name}")
    elif name in _builders():
        value = _builders()[name]
    else:
        raise AttributeError(str(unknown(f"name in {__name__}", name, __getattr__("__all__"))))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__getattr__("__all__")})


def _builders():
    return importlib.import_module(f"{__name__}.zoo").BUILDERS
