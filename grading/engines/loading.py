"""Which model is loaded, and with which of vLLM's options, on the machine there is."""

from __future__ import annotations

import logging
import os
import sys
import time
import warnings
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from grading.engines.engine import EngineDead
from settings import Settings

if TYPE_CHECKING:
    from vllm import LLM

log = logging.getLogger(__name__)

DEMO_MODEL = "SmolLM2-135M-Instruct (demonstration)"
GPU_SHARE = 0.92
"""The largest part of a GPU's memory that vLLM is given, and its own default."""
CPU_STEP = 1024
"""Tokens of one step on a CPU. vLLM's own 4096 are 4 % faster, but then all that streams stands still for six seconds
at a time while somebody's essay is read."""


def model_name(settings: Settings) -> str:
    """The model's name as people see it: the hub's id, or the last part of a folder."""
    if settings.is_demo_model:
        return DEMO_MODEL
    folder = _folder(settings)
    return folder.name if folder else settings.local_model


def load(settings: Settings) -> LLM:
    """Load the model of these settings; the thread that does it must be the one that runs it.

    Raises `EngineDead` with a message that says what to do.
    """
    model = _location(settings)
    _set_environment(offline=_folder(settings) is not None)
    try:
        import torch
        from vllm import LLM
        from vllm.engine.arg_utils import EngineArgs
    except ImportError as error:
        raise EngineDead(
            f"vLLM cannot be used here ({error}): install Pizhu with the extra `gpu` or `cpu`, "
            "or set PIZHU_LOCAL_MODEL=none."
        ) from error
    log.info("loading %s", model)
    start = time.monotonic()
    options = common_options(settings, model)
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        options |= gpu_options(settings, free=free, total=total)
    else:
        options |= cpu_options(settings)
        _keep_vllm_to_itself()
    try:
        longest = EngineArgs(model=model).create_model_config().max_model_len
        llm = LLM(**options, max_model_len=min(settings.model_context, longest))
    except Exception as error:
        raise EngineDead(
            f"The model {model_name(settings)} could not be loaded: {error}\n"
            "Where memory is short, lower PIZHU_MODEL_CONTEXT, PIZHU_LOCAL_CONCURRENCY and, on a CPU, "
            "PIZHU_CPU_KV_CACHE_GB, or choose a smaller model by PIZHU_LOCAL_MODEL."
        ) from error
    log.info("loaded in %.0f s", time.monotonic() - start)
    return llm


def common_options(settings: Settings, model: str) -> dict[str, Any]:
    """Arguments of `vllm.LLM` on any machine."""
    options: dict[str, Any] = {
        "model": model,
        "dtype": settings.model_dtype,
        "max_num_seqs": settings.local_concurrency,
        "tensor_parallel_size": settings.tensor_parallel,
        "enable_prefix_caching": True,
        # Without the second a small model pads its JSON with blanks for ever; it is only taken beside the first.
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
        "disable_log_stats": True,
        "use_tqdm_on_load": False,
    }
    if settings.tensor_parallel == 1:
        options["distributed_executor_backend"] = "uni"
    return options


def cpu_options(settings: Settings) -> dict[str, Any]:
    """What is different on a CPU."""
    return {
        "dtype": "float32" if settings.model_dtype == "auto" else settings.model_dtype,
        "enforce_eager": True,
        # A size instead of a share of the machine, most of which must be free at start or vLLM refuses.
        "kv_cache_memory_bytes": settings.cpu_kv_cache_gb << 30,
        "max_num_batched_tokens": max(CPU_STEP, settings.local_concurrency),
    }


def gpu_options(settings: Settings, *, free: int, total: int) -> dict[str, Any]:
    """What is different on a GPU with so many bytes of memory: the share that is vLLM's."""
    # vLLM refuses to start when its share is not free; two hundredths are for what others take in the meantime.
    spare = int(free / total * 100 - 2) / 100
    return {"gpu_memory_utilization": settings.gpu_memory_share or min(GPU_SHARE, spare)}


def _folder(settings: Settings) -> Path | None:
    """The model's folder; None for an id of the hub."""
    if settings.is_demo_model:
        return settings.demo_model_path
    path = Path(settings.local_model).expanduser()
    return path if path.exists() or settings.local_model.startswith(("/", ".", "~")) else None


def _location(settings: Settings) -> str:
    if not settings.has_local_model:
        raise EngineDead("There is no local model (PIZHU_LOCAL_MODEL=none), so no local engine can run.")
    folder = _folder(settings)
    if folder is None:
        return settings.local_model
    if not (folder / "config.json").is_file():
        raise EngineDead(
            f"There is no model in {folder}: "
            + ("run `pizhu setup`, which fetches it." if settings.is_demo_model else "look at PIZHU_LOCAL_MODEL.")
        )
    return str(folder)


class _VllmModules:
    """What vLLM's search for its own kernels is to take for `sys`."""

    @property
    def modules(self) -> dict[str, ModuleType]:
        return {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "vllm"}


def _keep_vllm_to_itself() -> None:
    """On a CPU vLLM looks for copies of its kernels in every attribute of every module of the process.

    Where Flask is imported it meets `current_app`, which raises outside of a request, and the model cannot be loaded.
    """
    from vllm.triton_utils import dispatcher

    dispatcher.sys = _VllmModules()


def _set_environment(*, offline: bool) -> None:
    """Variables that vLLM and the hub read when they are imported or start."""
    # In a child process the engine would outlive a worker that is killed with -9 and keep its memory or its GPU.
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    # On a CPU threads meet after every layer. Spinning until they do takes the cores from the web and from each other:
    # with one other process at work a reply takes 1.6 times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    # What vLLM says while it is imported comes before it has set up its own logging.
    logging.getLogger("vllm").setLevel(os.environ["VLLM_LOGGING_LEVEL"])
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"vllm\.")
    if offline:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
