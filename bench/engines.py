"""Compare inference engines: fp32 and int8 in onnxruntime, fp32 in OpenVINO.

pip install openvino
python bench/engines.py DATA [--model resnet50] [--calibrate 200] [--images 522] [--rounds 20]

int8: static quantisation (QDQ, per channel, min-max), calibrated on train images of the model's manifest. AUC is of the model's
validation part, never of test. Times are medians of one pass of one image, without its mirror image, the engines in turn.
Share of peak: the network's operations per second over those of a float32 matrix product of 4096 x 4096, both on all cores.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from pneumo.data.records import folder_of
from pneumo.data.split import read_manifest
from pneumo.evaluation.metrics import roc_auc
from pneumo.imaging.decoding.decode import decode_or_refuse
from pneumo.imaging.preprocess import model_input
from pneumo.paths import models_dir
from pneumo.registry.models import read_card


class Batches(CalibrationDataReader):
    def __init__(self, images: np.ndarray):
        self._rest = iter(images)

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self._rest, None)
        return None if image is None else {"radiograph": image[np.newaxis]}


def images_of(data: Path, model: str, part: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(float32 (n, size, size, 1), labels) of evenly spaced images of a part of the model's manifest."""
    rows = [row for row in read_manifest(models_dir() / model / "split.csv") if row["part"] == part]
    rows = [rows[k] for k in np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int))]
    spec = read_card(model).input
    pictures = [model_input(decode_or_refuse((folder_of(data) / row["path"]).read_bytes()).canonical, spec) for row in rows]
    return np.stack(pictures), np.array([row["label"] == "PNEUMONIA" for row in rows])


def plain_graph(model: str, target: Path) -> None:
    """The serving graph with float32 weights inside: those stored in model.keras are read in first."""
    whole = target.with_suffix(".whole")
    onnx.save(onnx.load(models_dir() / model / "model.onnx"), whole)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    onnxruntime.InferenceSession(str(whole), options, providers=["CPUExecutionProvider"])


def operations(graph: Path, size: int) -> float:
    """Operations (multiplications and additions) of convolutions and dense layers for one image."""
    inferred = onnx.shape_inference.infer_shapes(onnx.load(graph)).graph
    shapes = {v.name: [d.dim_value or 1 for d in v.type.tensor_type.shape.dim] for v in (*inferred.value_info, *inferred.output)}
    weights = {tensor.name: list(tensor.dims) for tensor in inferred.initializer}
    total = 0.0
    for node in inferred.node:
        if node.op_type == "Conv" and node.input[1] in weights:
            total += 2.0 * np.prod(weights[node.input[1]]) * np.prod(shapes[node.output[0]][2:])
        elif node.op_type in ("Gemm", "MatMul") and node.input[1] in weights:
            total += 2.0 * np.prod(weights[node.input[1]])
    return total


def peak() -> float:
    """Operations per second of a large float32 matrix product; the best of five."""
    side = 4096
    a, b = (np.random.default_rng(k).random((side, side), np.float32) for k in range(2))
    best = np.inf
    for _ in range(5):
        began = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - began)
    return 2.0 * side**3 / best


def onnx_runner(graph: Path) -> Callable[[np.ndarray], float]:
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    return lambda batch: float(session.run(["logit", "map"], {"radiograph": batch})[0][0])


def openvino_runner(graph: Path) -> Callable[[np.ndarray], float]:
    import openvino

    core = openvino.Core()
    compiled = core.compile_model(core.read_model(graph), "CPU", {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"})
    return lambda batch: float(compiled(batch)[compiled.output("logit")][0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="resnet50")
    parser.add_argument("--calibrate", type=int, default=200)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    size = read_card(options.model).input.size
    with tempfile.TemporaryDirectory() as folder:
        plain, small = Path(folder) / "plain.onnx", Path(folder) / "int8.onnx"
        plain_graph(options.model, plain)
        calibration, _ = images_of(options.data, options.model, "train", options.calibrate)
        quantize_static(
            plain,
            small,
            Batches(calibration),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        engines = {"onnxruntime fp32": onnx_runner(plain), "onnxruntime int8": onnx_runner(small)}
        try:
            engines["OpenVINO fp32"] = openvino_runner(plain)
        except ImportError:
            print("OpenVINO is not installed; left out.")
        images, labels = images_of(options.data, options.model, "validation", options.images)
        logits = {name: np.array([run(image[np.newaxis]) for image in images]) for name, run in engines.items()}
        seconds: dict[str, list[float]] = {name: [] for name in engines}
        for number in range(options.rounds):
            for name, run in engines.items():
                began = time.perf_counter()
                run(images[number % len(images)][np.newaxis])
                seconds[name].append(time.perf_counter() - began)
        work, most = operations(plain, size), peak()
    reference = logits["onnxruntime fp32"]
    print(
        f"{options.model}: {work / 1e9:.2f} G operations an image; matrix product {most / 1e9:.0f} G a second; "
        f"{len(images)} validation images"
    )
    print("\n| engine | ms | fp32 / this | share of peak | AUC | AUC less fp32 | logits differ: mean, most |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    base = statistics.median(seconds["onnxruntime fp32"])
    for name in engines:
        took, apart = statistics.median(seconds[name]), np.abs(logits[name] - reference)
        area = roc_auc(labels, logits[name])
        print(
            f"| {name} | {took * 1e3:.1f} | {base / took:.2f} | {work / took / most:.0%} | {area:.4f} | "
            f"{area - roc_auc(labels, reference):+.4f} | {apart.mean():.3f}, {apart.max():.3f} |"
        )


if __name__ == "__main__":
    main()
