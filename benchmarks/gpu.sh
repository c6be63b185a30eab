#!/bin/sh
# The three runs on a CUDA device, one after the other, each of at most ten minutes; the figures stand together at the end.
#
#     SPECC_DATA=FOLDER [AIRBENCH=CHECKOUT] [PYTHON=python] sh benchmarks/gpu.sh [OUT]
#
# SPECC_DATA holds cifar-10-batches-bin/ and fashion-mnist/. AIRBENCH is a checkout of
# github.com/KellerJordan/cifar10-airbench; without it specc trains alone. OUT, gpu-results by default, gets the whole
# output of each run. A run that takes too long, or fails, is named in the table, and the next one begins.
set -u
cd "$(dirname "$0")/.." || exit 2
python=${PYTHON:-python}
out=${1:-gpu-results}
mkdir -p "$out" || exit 2
: "${SPECC_DATA:?set SPECC_DATA to the folder that holds cifar-10-batches-bin}"
export SPECC_DATA PYTHONPATH=. PYTHONUNBUFFERED=1

"$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' || {
    echo "there is no CUDA device here: nothing was measured" >&2
    exit 2
}

# step NAME SECONDS COMMAND...: run it with a limit; its output goes to a file of its own.
step() {
    name=$1 seconds=$2
    shift 2
    echo "$name ..." >&2
    began=$(date +%s)
    timeout "$seconds" "$@" >"$out/$name.txt" 2>&1
    status=$?
    echo "$name|$status|$(($(date +%s) - began))" >>"$out/steps"
}

: >"$out/steps"
original=${AIRBENCH:+--original "$AIRBENCH"}

# 1. Does it work, and how fast is a step?
step doctor 60 "$python" -m specc doctor
step tests 240 "$python" -m pytest -q -W default -p no:cacheprovider \
    tests/backend/execution/test_cuda_graph.py tests/backend/augment/test_pipeline.py tests/backend/data/test_batches.py
step train_speed 300 "$python" benchmarks/train_speed.py --turns 1

# 2. airbench, both forms, beside the originals.
# shellcheck disable=SC2086 # two words, or none
step airbench 300 "$python" benchmarks/airbench.py $original --seeds 10
# shellcheck disable=SC2086
step airbench_muon 300 "$python" benchmarks/airbench.py $original --muon --seeds 10

# 3. The deck's ladder, and the best spec for CIFAR-10; both go on where they were when they are called again.
step deck 600 "$python" benchmarks/deck.py --data-dir "$SPECC_DATA" --out "$out/deck" --seeds 1

echo
echo "| step | outcome | seconds |"
echo "|---|---|---|"
while IFS='|' read -r name status seconds; do
    case $status in
    0) outcome=done ;;
    124) outcome="stopped after its limit" ;;
    *) outcome="failed with status $status: $(tail -n 1 "$out/$name.txt")" ;;
    esac
    echo "| $name | $outcome | $seconds |"
done <"$out/steps"
for name in train_speed airbench airbench_muon deck; do
    echo
    echo "## $name"
    grep '^|' "$out/$name.txt" || tail -n 3 "$out/$name.txt"
done
