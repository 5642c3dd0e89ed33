"""A program of torch.export as a runner: read as data first, so that opening one runs nobody's code.

`torch.export.load` unpickles objects, evaluates expressions and resolves function names that the file holds, and
`ExportedProgram.module()` compiles its guards. `_Archive` looks at all of these before torch sees the file.
"""

from __future__ import annotations

import ast
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.errors import ModelError
from noss.models._graph import Shape
from noss.shelf import did_you_mean

OPERATORS = re.compile(
    r"(torch\.ops\.(aten|prims|higher_order|quantized_decomposed)|_operator|math)(\.\w+)+|torch\.sym_\w+"
)
NEVER = frozenset({"call", "attrgetter", "methodcaller", "itemgetter", "setitem", "delitem"})
IMPORTING = (b"__enum__", b"defaultdict")  # kinds of arguments whose modules torch imports by name
# What sympy writes for the sizes of a program.
ARITHMETIC = frozenset(
    [
        "Symbol",
        "Integer",
        "Float",
        "Rational",
        "Add",
        "Mul",
        "Pow",
        "Max",
        "Min",
        "Mod",
        "Abs",
        "Eq",
        "Ne",
        "Lt",
        "Le",
        "Gt",
        "Ge",
        "And",
        "Or",
        "Not",
        "Equality",
        "Unequality",
        "LessThan",
        "StrictLessThan",
        "GreaterThan",
        "StrictGreaterThan",
        "FloorDiv",
        "CeilDiv",
        "CleanDiv",
        "ModularIndexing",
        "PythonMod",
        "Where",
        "Identity",
        "IntTrueDiv",
        "FloatTrueDiv",
        "TruncToInt",
        "CeilToInt",
        "FloorToInt",
        "RoundToInt",
        "ToFloat",
        "PowByNatural",
        "FloatPow",
        "BitwiseFn_bitwise_and",
        "floor",
        "ceiling",
        "IsNonOverlappingAndDenseIndicator",
        "OpaqueUnaryFn_sqrt",
    ]
)
_WORDS = (ast.Expression, ast.Call, ast.Name, ast.Load, ast.Constant, ast.keyword, ast.BinOp, ast.UnaryOp, ast.Compare)
_SIGNS = (ast.operator, ast.unaryop, ast.cmpop)


class TorchExportRunner:
    """One output of a program with one input."""

    def __init__(self, path: Path, *, input_name: str | None, output: str | int | None, threads: int = 1) -> None:
        self.name = str(path)
        self._path, archive = path, _Archive(path)
        inputs, outputs = archive.inputs(), archive.outputs()
        if len(inputs) != 1 or input_name not in {None, *inputs}:
            raise ModelError(
                f"{path} takes {', '.join(inputs) or 'nothing'}: a program of one waveform is needed; export it so"
            )
        self._output = _number(output, outputs, name=self.name)
        self.input_shape = archive.shape(inputs[0])
        self.output_shape = archive.shape(outputs[self._output])
        self._module: Any = None

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the program on a batch (B, ...) that has its input's shape."""
        import torch

        if self._module is None:
            self._module = _load(self._path)
        try:
            with torch.no_grad():
                result = self._module(torch.from_numpy(np.ascontiguousarray(batch)))
        except (RuntimeError, AssertionError, ValueError) as error:
            text = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ModelError(
                f"{self.name} fails on an input of shape {batch.shape} ({text}): correct its card file"
            ) from error
        found = result[self._output] if isinstance(result, tuple | list) else result
        return np.asarray(found.float().numpy())


class _Archive:
    """The parts of a program's file that are data, and proof that the others run nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with zipfile.ZipFile(path) as file:
                parts = {name.partition("/")[2]: file.read(name) for name in file.namelist() if _is_read(name)}
                names = [name.partition("/")[2] for name in file.namelist()]
            text = parts["models/model.json"]
            self._program = json.loads(text)
            self._module = self._program["graph_module"]
            self._values = self._module["graph"]["tensor_values"]
            configs = [json.loads(parts[name])["config"] for name in parts if name.endswith("_config.json")]
        except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"{path} is not a program that torch.export.save of PyTorch 2.8 or later wrote: save it anew"
            ) from error
        self._check_objects(names, configs, parts)
        self._check_code(text)

    def inputs(self) -> list[str]:
        """Names of what the program takes, without its weights."""
        specs = self._module["signature"]["input_specs"]
        return [spec["user_input"]["arg"]["as_tensor"]["name"] for spec in specs if "user_input" in spec]

    def outputs(self) -> list[str]:
        """Names of the tensors that the program gives."""
        specs = self._module["signature"]["output_specs"]
        return [spec["user_output"]["arg"]["as_tensor"]["name"] for spec in specs if "user_output" in spec]

    def shape(self, name: str) -> Shape:
        """The shape of a tensor; None for a size that is free."""
        return tuple(size.get("as_int") for size in self._values[name]["sizes"])

    def _check_objects(self, names: list[str], configs: list[Any], parts: dict[str, bytes]) -> None:
        pickled = any(entry.get("use_pickle") for config in configs for entry in config.values())
        strange = [name for name in names if re.search(r"(custom|opaque)_obj|data/aotinductor|\.so$|\.py$", name)]
        if pickled or strange or not all(_plain(parts[name]) for name in parts if name.endswith(".pt")):
            what = strange[0] if strange else "pickled objects"
            raise ModelError(
                f"{self.path} holds {what}, which run code when they are loaded: export a model of plain tensors"
            )

    def _check_code(self, program: bytes) -> None:
        calls = [
            text
            for kind, text in _code(self._program)
            if not (_is_arithmetic if kind == "expr_str" else _is_operator)(text)
        ]
        calls += [word.decode() for word in IMPORTING if word in program]
        if calls:
            raise ModelError(
                f"{self.path} calls {calls[0][:80]!r}, which is none of torch's operators: it is not loaded"
            )


def _is_read(name: str) -> bool:
    """Whether a member is small and looked into: the program, the lists of weights, the sample inputs."""
    return name.endswith(("models/model.json", "_config.json")) or bool(re.search(r"data/[^/]+/[^/]+\.pt$", name))


def _plain(content: bytes) -> bool:
    """Whether a member that torch unpickles holds tensors and containers alone: then torch builds nothing else."""
    import torch

    try:
        torch.load(io.BytesIO(content), weights_only=True)
    except (RuntimeError, ValueError, KeyError, EOFError, UnpicklingError):
        return not content
    return True


def _code(facts: Any) -> Iterator[tuple[str, str]]:
    """Every place of a program's JSON that torch evaluates or resolves to a function."""
    if isinstance(facts, dict):
        for key, value in facts.items():
            if key in {"expr_str", "target", "as_operator"} and isinstance(value, str):
                yield key, value
            else:
                yield from _code(value)
    elif isinstance(facts, list):
        for value in facts:
            yield from _code(value)


def _is_operator(text: str) -> bool:
    return bool(OPERATORS.fullmatch(text)) and "__" not in text and text.rpartition(".")[2] not in NEVER


def _is_arithmetic(text: str) -> bool:
    """Whether an expression is made of numbers, symbols and arithmetic: it is evaluated as Python when it is loaded."""
    try:
        nodes = list(ast.walk(ast.parse(text, mode="eval")))
    except (SyntaxError, ValueError):
        return False
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    words = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return (
        all(isinstance(node, (*_WORDS, *_SIGNS)) for node in nodes)
        and all(isinstance(call.func, ast.Name) and call.func.id in ARITHMETIC for call in calls)
        and all(word.isidentifier() for word in words)
    )


def _number(wanted: str | int | None, outputs: list[str], *, name: str) -> int:
    if isinstance(wanted, str):
        if wanted not in outputs:
            raise ModelError(f"{name} has no output {wanted!r}: {did_you_mean(wanted, outputs)}")
        return outputs.index(wanted)
    if (wanted or 0) >= len(outputs):
        raise ModelError(
            f"{name} has {len(outputs)} outputs and number {wanted or 0} is asked for: export it with outputs"
        )
    return wanted or 0


def _load(path: Path) -> Any:
    """The program as a module; its guards are code of the file and are left out."""
    import torch

    try:
        return torch.export.load(path).module(check_guards=False)
    except (RuntimeError, ValueError, AssertionError, KeyError, TypeError) as error:
        text = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"{path} cannot be loaded by this torch ({text}): export it anew") from error
