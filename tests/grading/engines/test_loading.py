from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from grading.engines import loading
from grading.engines.engine import EngineDead
from grading.engines.loading import common_options, cpu_options, gpu_options, model_name
from settings import Settings

GIB = 1 << 30


def made(**values: Any) -> Settings:
    return Settings(**values)


def test_people_read_the_name_of_the_model() -> None:
    assert model_name(made(local_model="demo")) == "SmolLM2-135M-Instruct (demonstration)"
    assert model_name(made(local_model="/models/Qwen3-8B")) == "Qwen3-8B"
    assert model_name(made(local_model="Qwen/Qwen3-8B")) == "Qwen/Qwen3-8B"


def test_a_missing_demonstration_model_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(EngineDead, match="run `pizhu setup`"):
        loading.load(made(home=tmp_path))


def test_a_folder_without_a_model_says_which_setting_to_look_at(tmp_path: Path) -> None:
    with pytest.raises(EngineDead, match=r"no model in /.*PIZHU_LOCAL_MODEL"):
        loading.load(made(local_model=str(tmp_path / "nothing")))


def test_no_local_model_means_no_local_engine() -> None:
    with pytest.raises(EngineDead, match="PIZHU_LOCAL_MODEL=none"):
        loading.load(made(local_model="none"))


def test_on_one_device_engine_and_process_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_ENABLE_V1_MULTIPROCESSING", "1")
    loading._set_environment(offline=False)
    assert os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] == "0"
    assert common_options(made(), "m")["distributed_executor_backend"] == "uni"


def test_over_several_gpus_vllm_chooses_how_to_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    options = common_options(made(tensor_parallel=2), "m")
    assert options["tensor_parallel_size"] == 2
    assert "distributed_executor_backend" not in options


def test_a_model_in_a_folder_never_asks_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    loading._set_environment(offline=False)
    assert "HF_HUB_OFFLINE" not in os.environ
    loading._set_environment(offline=True)
    assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_the_cpu_computes_in_float32_unless_told_otherwise() -> None:
    assert cpu_options(made())["dtype"] == "float32"
    assert cpu_options(made(model_dtype="bfloat16"))["dtype"] == "bfloat16"


def test_the_cpu_cache_has_the_size_of_its_setting() -> None:
    assert cpu_options(made(cpu_kv_cache_gb=3))["kv_cache_memory_bytes"] == 3 * GIB


@pytest.mark.parametrize(
    ("free", "share"),
    [
        pytest.param(80, 0.92, id="a free GPU"),
        pytest.param(40, 0.48, id="half of it is somebody else's"),
    ],
)
def test_the_share_of_a_gpu_follows_from_what_is_free(free: int, share: float) -> None:
    assert gpu_options(made(), free=free * GIB, total=80 * GIB) == {"gpu_memory_utilization": share}


def test_a_stated_share_of_the_gpu_is_taken_as_it_is() -> None:
    options = gpu_options(made(gpu_memory_share=0.7), free=80 * GIB, total=80 * GIB)
    assert options == {"gpu_memory_utilization": 0.7}
