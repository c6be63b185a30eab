"""The files of a run's folder.

spec.cnn  run.json  metrics.jsonl  checkpoints/  best.safetensors  last.safetensors  (model.onnx  certificate.json)
(looks.jsonl)  (now.json)
"""

SPEC, INFO, METRICS, BEST, LAST, CHECKPOINTS = (
    "spec.cnn",
    "run.json",
    "metrics.jsonl",
    "best.safetensors",
    "last.safetensors",
    "checkpoints",
)
LOOKS = "looks.jsonl"  # once the test part was looked at
NOW = "now.json"  # within an epoch
MODEL, CERTIFICATE = "model.onnx", "certificate.json"  # which an export adds
MOST_BYTES = 1 << 26  # of run.json, and of spec.cnn
MOST_METRICS = 1 << 28
