"""The engines by name.

An engine is one small object that takes encoded texts and returns probabilities. Each is in its own module, imported
when it is chosen, so that a machine pays only for what it uses. To add one, write such a module and add it to
``ENGINES``.
"""

from __future__ import annotations

from edgetext.errors import BundleError, EngineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edgetext.bundle import Bundle
    from edgetext.bundle.manifest import ModelFile
    from edgetext.engines.protocol import Engine

# name: (module, class)
ENGINES = {
    "builtin": ("edgetext.engines.builtin", "BuiltinEngine"),
    "tflite": ("edgetext.engines.tflite", "TFLiteEngine"),
    "onnx": ("edgetext.engines.onnx", "ONNXEngine"),
    "native": ("edgetext.engines.native", "NativeEngine"),
}


def create(name: str, model: bytes, *, max_length: int, threads: int = 1, quiet: bool = False) -> Engine:
    """Build the engine of that name for a model; see ``edgetext.engines.protocol.Engine``.

    ``quiet`` mutes the process's standard error meanwhile, if the engine loads native libraries.

    Raises:
        EngineError: If there is no such engine, or it is not installed, or does not work here.
        BundleError: If the engine's library refuses the model.
    """
    if name not in ENGINES:
        raise EngineError(f"no engine is called {name!r}: there are {', '.join(ENGINES)}")
    if quiet and name != "builtin":
        from edgetext.engines.process import muted_stderr

        with muted_stderr():
            return create(name, model, max_length=max_length, threads=threads)
    module, attribute = ENGINES[name]
    # As importlib.import_module does, without importing importlib.
    found = getattr(__import__(module, fromlist=[attribute]), attribute)
    engine: Engine = found(model, max_length=max_length, threads=threads)
    return engine


def find_models(bundle: Bundle, engine: str, recipe: str | None) -> list[ModelFile]:
    """Return a bundle's models for an engine, or ``"auto"``, and a recipe, or None for any; most preferred first.

    The engine ``native`` runs those of ``builtin``.

    Raises:
        EngineError: If there is no such engine.
        BundleError: If there is no such model.
    """
    if engine == "c":
        raise EngineError("engine c is the library for programs in C: in Python, engine builtin has the same weights")
    if engine not in ("auto", *ENGINES):
        raise EngineError(f"no engine is called {engine!r}: there are auto, {', '.join(ENGINES)}")
    wanted = ENGINES if engine == "auto" else ("builtin" if engine == "native" else engine,)
    found = [model for model in bundle.models if model.engine in wanted and recipe in (None, model.recipe)]
    if not found:
        requests = (("engine", engine, "auto"), ("recipe", recipe, None))
        asked = " and ".join(f"{kind} {value or repr(value)}" for kind, value, none in requests if value != none)
        has = ", ".join(f"{model.recipe} ({model.engine})" for model in bundle.models) or "no model at all"
        only_c = bundle.models and all(model.engine == "c" for model in bundle.models)
        fix = ": python export/to_safetensors.py adds one for Python" if only_c else ""
        raise BundleError(f"{bundle.folder}: no model for {asked or 'any known engine'}; it has {has}{fix}")
    return found
